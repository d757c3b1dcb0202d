"""Claims are the sentences that can be true or false, exactly where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.claims import claims
from guards.leaning import MOST_CHARS, fold, leans

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


@pytest.mark.parametrize(
    "text",
    [
        "If you have any other questions, let me know.", "Thank you for your patience!",
        "Feel free to contact us for any further help.", "I understand your frustration.",
        "Please let us know if you need anything else.", "Let me check that for you.",
        "I'm so sorry about that.", "Best regards,", "Great question!", "Have a nice day!",
        "Happy to help you with that!", "One moment, please.", "My apologies for the delay.",
        "So, would you like to know more?", "If it arrived late, did you write to us?",
    ],
)  # fmt: skip
def test_offers_and_courtesies_are_no_claims(text: str) -> None:
    assert claims(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Did you know refunds take 90 days?", "Refunds take 90 days, right?",
        "It is free, isn't it?", "Refunds take 90 days?",
        "Feel free to contact us at help@example.com.", "Thank you for your 5 orders.",
        "Please write to us.",
        "Sorry, soap is never refunded.",
        "If you return soap we pay double, let me know.", "Happy to help within 3 days.",
        "Feel free to keep the item.", "I can refund you twice.",
    ],
)  # fmt: skip
def test_no_fact_hides_in_a_courtesy_or_a_question(text: str) -> None:
    assert said(text, QUESTION) == [text]


@pytest.mark.parametrize(
    ("answer", "standalone"),
    [
        ("Sale items are final. They can't be returned.",
         "Sale items are final. They can't be returned."),
        ("Delivery takes 3 days. It costs €4.95.", "Delivery takes 3 days. It costs €4.95."),
        ("Pack the item well. Send it back within 45 days.",
         "Pack the item well. Send it back within 45 days."),
        ("Gift cards never expire. However, this doesn't hold for vouchers.",
         "Gift cards never expire. However, this doesn't hold for vouchers."),
        ("Hi! Repairs take a week. It depends on the season. It may be two.",
         "Repairs take a week. It may be two."),
        ("You can't return:\n- opened soap", "You can't return: opened soap"),
        ("Members ship free. Otherwise, delivery costs €4.95.",
         "Members ship free. Otherwise, delivery costs €4.95."),
    ],
)  # fmt: skip
def test_a_leaning_sentence_gets_what_it_leans_on(answer: str, standalone: str) -> None:
    last = claims(answer, QUESTION)[-1]
    assert last.standalone == standalone
    assert answer[last.span.start : last.span.end] == last.text
    assert answer.endswith(last.text)


@pytest.mark.parametrize(
    "text",
    [
        "Yes, you can.", "No, it isn't.", "Yes, within 30 days.", "No, only unopened soap.",
        "Only in the EU.", "Within 45 days of delivery.", "Except on public holidays.",
        "Yes – but not on Sundays.",
    ],
)  # fmt: skip
def test_ellipsis_gets_the_question(text: str) -> None:
    assert claims(text, QUESTION)[0].standalone == f"{QUESTION} {text}"


@pytest.mark.parametrize(
    "text",
    [
        "One parcel may weigh 20 kg.", "If the item is damaged, send it back.",
        "There is no fee for returns.", "It is important that you keep the receipt.",
        "You can return soap within 45 days.", "To place an order, follow these steps.",
        "The shop and its workshop close at noon.", "In the EU, delivery is free.",
    ],
)  # fmt: skip
def test_what_names_its_things_leans_on_nothing(text: str) -> None:
    assert not leans(text)
    assert claims(f"Soap is never refunded. {text}")[-1].standalone == text


def test_what_was_said_before_counts_for_the_first_sentence() -> None:
    [claim] = claims("It takes 3 days.", QUESTION, before="Hello! Delivery is free over €60.")
    assert claim.standalone == "Delivery is free over €60. It takes 3 days."
    assert claim.span.start == 0


def test_a_very_long_antecedent_is_left_out() -> None:
    assert fold("It is free.", None, "word " * MOST_CHARS) == "It is free."
