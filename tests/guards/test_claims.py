"""Claims are the sentences that can be true or false, exactly where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.claims import claims, fold

QUESTION = "Can I return opened soap?"

_pieces = st.sampled_from(
    [
        "You have 45 days. ", "Yes. ", "Hi! ", "Is it so? ", "- an item of a list\n", "> quoted. ",
        "# A heading\n", "12. step. Two.\n", "From “Returns”:\n", "```\ncode here\n```\n", "\n\n",
        "| a | b |\n", "|---|---|\n", "€4.95 a piece ", "中文。", "...", "\u2028", "> > deep. ",
        "Thank you! ", "30 days. ", "• dot\n",
    ]
)  # fmt: skip
_answers = st.one_of(st.text(), st.lists(_pieces, max_size=15).map("".join))


def said(answer: str, question: str | None = None) -> list[str]:
    return [claim.text for claim in claims(answer, question)]


@given(answer=_answers, question=st.sampled_from([None, QUESTION]))
def test_spans_are_exact_and_in_order(answer: str, question: str | None) -> None:
    at = 0
    for claim in claims(answer, question):
        assert answer[claim.span.start : claim.span.end] == claim.text
        assert at <= claim.span.start < claim.span.end
        assert claim.text.strip()
        assert claim.text in claim.standalone
        at = claim.span.end


@given(answer=_answers)
def test_it_is_the_same_every_time(answer: str) -> None:
    assert claims(answer, QUESTION) == claims(answer, QUESTION)


@pytest.mark.parametrize(
    "text",
    [
        "Hi!", "Hello.", "Thanks!", "Thank you.", "You're welcome!", "Sure.", "Of course!",
        "Good morning!", "I'm sorry to hear that.", "Sorry for the inconvenience.",
        "I hope this helps!", "Is there anything else I can help you with?", "Happy to help!",
        "What would you like to know?", "# Returns", "## How it works",
        "...", "---", "😀", "",
    ],
)  # fmt: skip
def test_what_states_nothing_is_no_claim(text: str) -> None:
    assert claims(text) == ()
    assert said(f"{text}\n\nYou have 45 days.") == ["You have 45 days."]


@pytest.mark.parametrize(
    "text",
    [
        "You have 45 days.", "Yes.", "No.", "45 days.", "Thanks to your card, delivery is free.",
        "Sure things cost €5.", "Greatness takes 3 days.", "It's free", "退货需要45天。",
        "Hello Kitty soap is never refunded.", "See https://example.com/returns.",
    ],
)  # fmt: skip
def test_what_states_something_is_a_claim(text: str) -> None:
    assert said(text, QUESTION) == [text]


def test_lists_tables_quotes_and_code() -> None:
    answer = (
        "Before you send it:\n- pack it well\n2. print the label\n\n"
        "| Kind | Days |\n|---|---|\n| Sale | 21 |\n\n> Soap is never refunded."
    )
    assert said(answer) == [
        "Before you send it:", "pack it well", "print the label", "| Kind | Days |",
        "| Sale | 21 |", "Soap is never refunded.",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["Yes.", "No!", "Correct.", "30 days.", "Within 45 days", "€5"])
def test_short_ones_are_folded_into_their_question(text: str) -> None:
    [claim] = claims(text, QUESTION)
    assert claim.standalone == f"{QUESTION} {text}"
    assert claim.text == text
    assert claims(text)[0].standalone == text


def test_whole_sentences_stand_alone() -> None:
    text = "You can return soap within 45 days."
    assert claims(text, QUESTION)[0].standalone == text
    assert fold("Yes, you can return opened soap.", QUESTION) == "Yes, you can return opened soap."


def test_many_claims_stay_apart() -> None:
    assert len(claims("One thing is so. " * 300)) == 300
