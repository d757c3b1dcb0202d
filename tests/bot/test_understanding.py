"""What a message is, and what a follow-up is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding import Message, clean, read, standalone
from tests.bot.pipeline import state

FIRST = "How long can I return most items after delivery?"
MOST = 2000


def understood(text: str) -> Message:
    return read(text, MOST)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "unsafe_input"),
        (" \n\t ", "unsafe_input"),
        ("\x00\x07\x1b\x7f", "unsafe_input"),
        ("\u200b\u202e\ufeff", "unsafe_input"),
        ("?!…", "unsafe_input"),
        ("😀👍", "unsafe_input"),
        ("a" * 100_000, "unsafe_input"),
        ("why " * 25_000, "unsafe_input"),
        ("退货需要多少天？", "out_of_scope"),
        ("Сколько дней на возврат?", "out_of_scope"),
        ("返品はできますか", "out_of_scope"),
        ("كم يوما للإرجاع؟", "out_of_scope"),
        ("πόσες ημέρες", "out_of_scope"),
    ],
    ids=lambda value: ascii(value[:12]),
)
def test_what_cannot_be_answered_is_refused_with_its_cause(text: str, cause: str) -> None:
    message = understood(text)
    assert (message.kind, message.cause) == ("refused", cause)
    assert len(message.text) <= MOST


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi!", "greeting"), ("hello", "greeting"), ("Good morning.", "greeting"),
        ("Thanks!", "thanks"), ("ok, thank you so much", "thanks"),
        ("I want to talk to a person", "person"), ("Get me a human", "person"),
        ("can you connect me with an agent please", "person"),
        ("Hi, how long can I return items?", "question"), ("45 days?", "question"),
        ("Where is the café Zoë?", "question"), ("What is 退货?", "question"),
        ("Can I send a gift to a person abroad?", "question"),
        ("Thanks to the sale, do I get money back?", "question"),
        ("hello kitty soap refund", "question"), ("é" * MOST, "question"),
    ],
    ids=lambda value: ascii(value[:24]),
)  # fmt: skip
def test_the_plain_cases_are_told_apart(text: str, kind: str) -> None:
    message = understood(text)
    assert message.kind == kind
    assert message.cause == ("customer_request" if kind == "person" else None)


def test_one_character_too_many_is_too_many() -> None:
    assert understood("a" * MOST).kind == "question"
    assert understood("a" * (MOST + 1)).kind == "refused"


@given(text=st.text(max_size=80))
def test_any_text_is_understood_somehow_and_cleaned_once(text: str) -> None:
    message = understood(text)
    assert (message.cause is not None) == (message.kind in ("person", "refused"))
    assert clean(clean(text)) == clean(text)
    assert message.text == clean(text)


def test_cleaning_keeps_words_and_drops_what_is_not_seen() -> None:
    assert clean(" a\u200bb\n\n\tc\x00 ") == "ab c"
    assert clean("cafe\u0301") == "café"
    assert clean("a\u00a0b") == "a b"
    assert clean("\ud800x") == "x"


@pytest.mark.parametrize(
    "question",
    ["And for soap?", "What about gift cards?", "Is it free?", "Why?", "And abroad",
     "Can I use it for orders that were placed long ago?"],
)  # fmt: skip
def test_a_follow_up_gets_the_question_before(question: str) -> None:
    assert standalone(question, state(FIRST, "45 days.")) == f"{FIRST} {question}"
    assert standalone(question, state()) == question


@pytest.mark.parametrize("question", ["What does standard delivery cost in the city?"])
def test_a_question_that_stands_alone_stays(question: str) -> None:
    assert standalone(question, state(FIRST, "45 days.")) == question


def test_the_question_before_is_cleaned_too_and_the_last_one_counts() -> None:
    before = state("Older?", "Yes.", "Can I\x00 return\n soap?", "No.")
    assert standalone("Why?", before) == "Can I return soap? Why?"
