"""Whatever a generator writes, or fails to write, only what was vouched for is said."""

import pytest

from tests.bot.pipeline import QUOTE, ask, assert_vouched, only_quotes, pipeline, quoted_or_declined
from tests.fakes import FakeGenerator, FakeVerifier

DRAFT = "You can return most items within 45 days after delivery."
SURE = FakeVerifier(gullible=True)


@pytest.mark.parametrize(
    "fault", [RuntimeError("no session"), MemoryError(), ValueError("provider"), TimeoutError()]
)
@pytest.mark.parametrize(
    "pieces", [(), ("You can ",), (DRAFT,), (f"{DRAFT} ", "Items may be returned for 999 d")]
)
def test_a_failing_generator_leaves_what_was_vouched_for(
    fault: Exception, pieces: tuple[str, ...]
) -> None:
    writer = FakeGenerator(pieces=pieces, error=fault)
    said, reply = ask(**pipeline(generator=writer, verifier=SURE))
    assert_vouched(said, reply)
    assert reply.action == "answer"
    assert only_quotes([sentence for sentence in said if sentence.text != DRAFT])
    assert "999" not in reply.text


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        ("",),
        (" ", "\n", "\t"),
        ("\x00", "\x07\x1b", "\u200b\u202e", "\ufeff"),
        ("#", " ", "\n"),
        ("```",),
        ("- ", "- ", "\n- \n"),
        ("...", "?", "!"),
        ("?!" * 2000,),
        ("<|im_end|>", "<think>"),
    ],
    ids=repr,
)
def test_a_draft_that_says_nothing_leaves_only_quotes(pieces: tuple[str, ...]) -> None:
    made = ask(**pipeline(generator=FakeGenerator(pieces=pieces)))
    quoted_or_declined(made)
    assert QUOTE in made[1].text


def test_ten_thousand_words_without_a_stop_leave_only_quotes() -> None:
    writer = FakeGenerator(pieces=tuple(["you can return most items " * 200] * 10))
    made = ask(**pipeline(generator=writer))
    quoted_or_declined(made)
    assert len(made[1].text) < 2000


def test_ten_thousand_sentences_leave_few() -> None:
    writer = FakeGenerator(pieces=tuple([f"{DRAFT} " * 100] * 100))
    said, reply = ask(**pipeline(generator=writer, verifier=SURE))
    assert_vouched(said, reply)
    assert len(reply.text) < 2000


def test_a_cut_off_sentence_is_not_said() -> None:
    made = ask(**pipeline("You can return most items within 45", verifier=SURE))
    quoted_or_declined(made)
    assert all(sentence.text.endswith((".", ":")) or sentence.text[0].isdigit()
               for sentence in made[0])  # fmt: skip


def test_a_short_answer_is_kept_with_the_sentence_behind_it() -> None:
    asked = "Can you return most items within 45 days of delivery?"
    said, reply = ask(asked, **pipeline(f"Yes. {DRAFT}"))
    assert_vouched(said, reply)
    assert reply.text.startswith(f"Yes. {DRAFT}")


def test_a_denial_may_repeat_what_was_asked() -> None:
    asked = "Can I return opened soap after 10 days of delivery?"
    draft = "No, opened soap is never refunded after 10 days."
    said, reply = ask(asked, **pipeline(draft, verifier=SURE))
    assert_vouched(said, reply)
    assert reply.text.startswith(draft)
