"""From question to reply: drafts that pass, drafts that don't, and what is never said."""

import re
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import answer, stream
from bot.policy import GREETING, TABLE
from tests.bot.pipeline import (
    QUESTION,
    QUOTE,
    THRESHOLDS,
    ask,
    assert_vouched,
    only_quotes,
    opened,
    pipeline,
    state,
)
from tests.fakes import FakeGenerator, FakeVerifier

DRAFT = "You can return most items within 45 days after delivery."
SURE = FakeVerifier(gullible=True)


def texts(said: list) -> list[str]:
    return [sentence.text for sentence in said]


def test_a_draft_that_passes_is_said_with_its_evidence() -> None:
    said, reply = ask(**pipeline(DRAFT, verifier=SURE))
    assert_vouched(said, reply)
    assert said[0].text == DRAFT
    assert reply.citations[0].quote == QUOTE
    assert reply.citations[0].url == "https://help.example.com/returns"
    assert reply.model == "fake-model"
    assert (reply.index_version, reply.threshold_version) == (opened().version, "t-1")
    assert {"retrieve_ms", "draft_ms", "verify_ms", "total_ms"} <= set(reply.timings)
    assert reply.conversation_id == "c1"


def test_without_a_generator_quotes_answer() -> None:
    said, reply = ask(**pipeline())
    assert_vouched(said, reply)
    assert only_quotes(said)
    assert QUOTE in texts(said)
    assert reply.model == "quotes"
    assert said == ask(**pipeline("never asked", draft=False))[0]


@pytest.mark.parametrize(
    "draft",
    [
        "You can return most items within 90 days after delivery.",
        "You cannot return most items within 45 days of delivery.",
        "See https://evil.example/returns for the return of most items.",
        "The moon is made of cheese and everyone knows.",
        "You can return most items at PaperPlaza.",
    ],
)
def test_a_draft_that_fails_is_replaced_by_quotes(draft: str) -> None:
    said, reply = ask(**pipeline(draft))
    assert_vouched(said, reply)
    assert reply.action == "answer"
    assert only_quotes(said)
    assert QUOTE in texts(said)
    assert draft not in reply.text
    assert reply.model == "quotes"


def test_what_follows_a_failed_sentence_is_not_said() -> None:
    follow = "Opened soap is never ever refunded."
    said, _ = ask(**pipeline(f"{DRAFT} It takes 90 days. {follow}", verifier=SURE))
    assert texts(said)[0] == DRAFT
    assert follow not in texts(said)


def test_the_same_thing_is_not_said_twice() -> None:
    said, _ = ask(**pipeline(QUOTE))
    assert texts(said).count(QUOTE) == 1


def test_a_list_is_quoted_whole_and_in_order() -> None:
    said, reply = ask("How do I pack and post the parcel?", **pipeline(verifier=SURE))
    assert_vouched(said, reply)
    steps = ["Before you send it back:", "1. Pack the item well", "2. Print the label",
             "3. Post the parcel"]  # fmt: skip
    assert [text for text in texts(said) if text in steps] == steps
    assert "\n".join(steps[1:]) in reply.text


def test_under_the_threshold_it_declines_with_suggestions() -> None:
    said, reply = ask("Who painted the ceiling of the chapel?", **pipeline(DRAFT))
    assert said == []
    assert_vouched(said, reply)
    assert (reply.action, reply.cause, reply.text) == (
        "abstain", "no_evidence", TABLE["no_evidence"].text,
    )  # fmt: skip
    assert 0 < len(reply.suggestions) <= 3
    assert {item.article_id for item in reply.suggestions} <= {"returns", "delivery", "repairs"}


def test_the_threshold_decides() -> None:
    strict = replace(THRESHOLDS, answer=1.0)
    assert ask(**pipeline(thresholds=strict))[1].cause == "no_evidence"
    assert ask(**pipeline(thresholds=replace(THRESHOLDS, answer=0.0)))[1].action == "answer"


def test_answer_is_the_last_of_stream() -> None:
    parts = pipeline(DRAFT)
    reply = answer(QUESTION, state(), **parts)
    _, again = ask(**parts)
    assert replace(reply, reply_id="", timings={}) == replace(again, reply_id="", timings={})
    assert reply.reply_id != again.reply_id


def test_greetings_and_people_need_no_search() -> None:
    broken = pipeline(retriever=None)
    assert ask("Hello!", **broken)[1].text == GREETING
    _, reply = ask("I want to talk to a person", "My soap broke", "Sorry.", **broken)
    assert (reply.action, reply.cause) == ("handoff", "customer_request")
    assert reply.handoff
    assert reply.handoff.reason == "customer_request"
    assert "My soap broke" in reply.handoff.summary


def test_a_follow_up_is_searched_with_the_question_before() -> None:
    asked: list[str] = []

    class Noting(FakeVerifier):
        def answers(self, question, passages):
            asked.append(question)
            return super().answers(question, passages)

    ask("And for soap?", QUESTION, QUOTE, **pipeline(verifier=Noting()))
    ask("What does standard delivery cost?", QUESTION, QUOTE, **pipeline(verifier=Noting()))
    assert asked[0] == f"{QUESTION} And for soap?"
    assert asked[-1] == "What does standard delivery cost?"


def test_the_prompt_holds_the_passages_and_the_last_turns() -> None:
    writer = FakeGenerator(pieces=(DRAFT,))
    ask(QUESTION, "Hi there", "Hello!", **pipeline(generator=writer))
    [prompt] = writer.prompts
    assert [message.type for message in prompt] == ["system", "human", "ai", "human"]
    assert QUOTE in prompt[-1].text
    assert prompt[-1].text.endswith(QUESTION)


def test_closing_the_stream_stops_the_generator() -> None:
    writer = FakeGenerator(pieces=(f"{DRAFT} ", *["More words come. "] * 200), pause=0.01)
    before = threading.active_count()
    said = stream(QUESTION, state(), **pipeline(generator=writer, verifier=SURE))
    assert next(said)
    said.close()
    taken = writer.given
    time.sleep(0.05)
    assert writer.given == taken < 60
    assert writer.cancelled == 1
    assert threading.active_count() == before


def test_a_draft_long_enough_stops_the_generator() -> None:
    writer = FakeGenerator(pieces=tuple(["Opened soap is never refunded. "] * 300), pause=0.002)
    said, reply = ask(**pipeline(generator=writer, draft_sentences=2))
    assert_vouched(said, reply)
    assert writer.given < 60
    assert writer.cancelled == 1


_sentences = st.sampled_from(
    [
        QUOTE, DRAFT, "Opened soap is never refunded.", "Items may be returned for 999 days.",
        "It costs €123.45.", "See https://evil.example/a.", "Call 0800 555 1234 now.",
        "Write to boss@evil.example.", "Yes.", "No.", "Of course!", "# Buy more", "- 77 items",
        "1. Pack the item well", "> You can return soap.", "Is it 88 days?", "```\nrm -rf 99\n```",
        "Delivery takes three days. ", "Thanks!", "[1]",
        "<script>alert(66)</script>", "**bold** 55%.", "| a | 44 |", "Ignore what was said",
        "退货需要33天。", "\u202eevil", "\x00", "45", "...", "Code SAVE20 gives 20% off.", "\n\n",
    ]
)  # fmt: skip
_INVENTED = re.compile(r"999|123\.45|evil|0800|SAVE20|88 days|77|66|55%|33天|20%|rm -rf|script")


@given(
    parts=st.lists(_sentences, max_size=6),
    glue=st.sampled_from([" ", "\n", "", "\n\n"]),
    cut=st.integers(1, 25),
    gullible=st.booleans(),
    asked=st.sampled_from([QUESTION, "What does delivery cost?", "Can I send soap back, please?"]),
)
def test_nothing_unvouched_is_ever_said(
    parts: list[str], glue: str, cut: int, gullible: bool, asked: str
) -> None:
    text = glue.join(parts)
    pieces = tuple(text[at : at + cut] for at in range(0, len(text), cut))
    said, reply = ask(asked, **pipeline(*pieces, verifier=FakeVerifier(gullible=gullible)))
    assert_vouched(said, reply)
    everything = reply.text + "".join(texts(said))
    assert not _INVENTED.search(everything)
