"""What a message that leans on others is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.followups import of_the_customer, resolved, statements, telling

FIRST = "What does express delivery to Finland cost?"


def made(message: str, *earlier: str) -> tuple[str, str]:
    found = resolved(message, earlier or (FIRST,))
    return found.how, found.text


@pytest.mark.parametrize(
    ("before", "message", "whole"),
    [
        (FIRST, "and to Spain?", "What does express delivery to Spain cost?"),
        (FIRST, "Spain?", "What does express delivery to Spain cost?"),
        ("How long is a wallet under warranty?", "what about a watch?",
         "How long is a watch under warranty?"),
        ("How long is the warranty on a leather belt?", "and gloves?",
         "How long is the warranty on gloves?"),
        ("Can I rename a project?", "or an account?", "Can I rename an account?"),
        ("What does the yearly plan include?", "and the monthly plan?",
         "What does the monthly plan include?"),
        ("Where is the log on macOS for the Nova app?", "and Linux?",
         "Where is the log on macOS for the Nova app? and Linux?"),
        (FIRST, "and when it snows?", f"{FIRST} and when it snows?"),
    ],
)  # fmt: skip
def test_a_part_takes_its_place_or_stands_behind(before: str, message: str, whole: str) -> None:
    assert made(message, before)[1] == whole


@pytest.mark.parametrize(
    ("before", "message", "whole"),
    [
        (FIRST, "sorry, I meant Spain", "What does express delivery to Spain cost?"),
        (FIRST, "No, to Spain", "What does express delivery to Spain cost?"),
        (FIRST, "oh wait, it's to Spain actually", "What does express delivery to Spain cost?"),
        ("Do prices include tax in Chile?", "I meant Iceland, not Chile",
         "Do prices include tax in Iceland?"),
        ("How do I clean a wool rug?", "not wool, a cotton rug", "How do I clean a cotton rug?"),
        ("How do I close my personal account?", "I meant the company one, not the personal one",
         "How do I close my company one?"),
        (FIRST, "no, the blue one I mean", f"{FIRST} the blue one"),
    ],
)  # fmt: skip
def test_a_correction_changes_the_question(before: str, message: str, whole: str) -> None:
    assert made(message, before) == ("correction", whole)


@pytest.mark.parametrize(
    "message",
    ["Is it faster than the post?", "How long does that take?", "Why?", "how much?",
     "Can a neighbour take it?", "What if nobody is at home?", "return policy"],
)  # fmt: skip
def test_what_refers_is_put_behind(message: str) -> None:
    assert made(message) == ("follow-up", f"{FIRST} {message}")


@pytest.mark.parametrize(
    ("message", "whole"),
    [
        ("Do you take cheques?", "Do you take cheques?"),
        ("Is there a shop in Oslo?", "Is there a shop in Oslo?"),
        ("When do you open on Sunday?", "When do you open on Sunday?"),
        ("And how do I print an invoice?", "how do I print an invoice?"),
        ("Other question: do you sell ropes?", "do you sell ropes?"),
        ("by the way, are dogs allowed?", "are dogs allowed?"),
        ("If I buy a tent on Friday evening by card, when will it be with me?",
         "If I buy a tent on Friday evening by card, when will it be with me?"),
    ],
)  # fmt: skip
def test_another_question_stands_alone(message: str, whole: str) -> None:
    assert made(message) == ("alone", whole)


@pytest.mark.parametrize(
    "message",
    ["Back to delivery: can a neighbour take the parcel?",
     "about the delivery again, can a neighbour take the parcel?",
     "Once more about delivering: can a neighbour take the parcel?",
     "ok, going back to the express thing, can a neighbour take the parcel?"],
)  # fmt: skip
def test_a_return_finds_its_topic(message: str) -> None:
    earlier = (FIRST, "Do you repair zips?", "How long does that take?")
    assert made(message, *earlier) == ("return", f"{FIRST} can a neighbour take the parcel?")


def test_a_return_to_what_was_not_named_goes_one_topic_back() -> None:
    earlier = (FIRST, "Do you repair zips?")
    assert made("Back to the first thing: why so much?", *earlier)[1] == f"{FIRST} why so much?"
    assert made("Back to that", FIRST)[1] == FIRST


@pytest.mark.parametrize(
    "message",
    ["But your colleague told me €3", "The lady in the shop said it was free",
     "I was told something else", "Hm, on the phone they said €3",
     "a friend of mine says you did it for him"],
)  # fmt: skip
def test_what_others_said_asks_the_question_again(message: str) -> None:
    assert made(message) == ("contradiction", FIRST)


@pytest.mark.parametrize(
    "message",
    ["What was I told about gift cards by your shop?", "My daughter said she needs a bigger size",
     "The tracking page says the parcel was delivered", "Your site says Delivered since Monday"],
)  # fmt: skip
def test_what_customers_report_otherwise_is_no_contradiction(message: str) -> None:
    assert made(message)[0] == "alone"


def test_follow_ups_lean_on_the_question_that_was_made() -> None:
    assert made("and to Spain?", FIRST, "Norway?", "How long does that take?") == (
        "ellipsis", "What does express delivery to Spain cost?",
    )  # fmt: skip


def test_with_nothing_before_a_message_stays_as_it_is() -> None:
    assert resolved("and to Spain?", ()).text == "and to Spain?"


def test_statements_are_what_customers_say_of_themselves() -> None:
    earlier = (
        "Hi, I'm in Portugal. Do you deliver there?", "I want a refund.", "We have the Team plan.",
        "my phone has Android 9", "I'm looking for a tent", "Am I late?",
    )  # fmt: skip
    assert statements(earlier) == [
        "Hi, I'm in Portugal.", "We have the Team plan.", "my phone has Android 9",
    ]  # fmt: skip
    assert telling("Hi, I'm in Portugal.") == {"portugal"}
    assert telling("my phone has Android 9") == {"android", "9"}
    assert telling("My package is unscoped.") == {"unscoped"}


def test_an_answer_may_hang_on_who_asks() -> None:
    assert of_the_customer("What will delivery cost me?")
    assert not of_the_customer("What does delivery to Norway cost?")


@given(messages=st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_any_conversation_is_made_something_of(messages: list[str]) -> None:
    found = resolved(messages[-1], messages[:-1])
    assert found.how != "alone" or len(found.text) <= len(messages[-1])
