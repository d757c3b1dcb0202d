"""A person takes over on request, after failures, by policy, by cause; and once only."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.dialogue.handoff import given_back, overdue
from bot.types import State
from tests.bot.dialogue.shop import Shop, open_shop, texts
from tests.bot.pipeline import QUESTION, QUOTE

MAIL = "sam@mail.example"
CANCEL = f"I want to cancel my order FW-20418834, {MAIL}"
NONSENSE = "What colour is the chief accountant's bicycle?"


def test_on_request_with_all_that_is_known(shop: Shop) -> None:
    state, replies = shop.talk(QUESTION, CANCEL, "let me talk to a person")
    reply = replies[-1]
    assert (reply.action, reply.cause) == ("handoff", "customer_request")
    assert reply.text == "I'm passing you on to a person, with what we have said so far."
    assert reply.suggestions == ()
    assert reply.form is None
    given = reply.handoff
    assert given
    assert given.slots["order_number"] == "FW-20418834"
    assert given.slots["status"] == "Confirmed"
    assert "Cancel an order" in given.summary
    assert QUESTION in given.summary
    assert any(QUOTE in finding for finding in given.evidence)
    assert any("find_order: ok; status = Confirmed" in finding for finding in given.evidence)
    assert [turn.text for turn in given.transcript][::2] == [
        QUESTION, CANCEL, "let me talk to a person",
    ]  # fmt: skip
    assert state.mode == "person"


def test_the_bot_is_silent_until_the_conversation_is_given_back(shop: Shop) -> None:
    state, _ = shop.talk("let me talk to a person")
    seen = len(shop.transport.seen)
    state, replies = shop.talk(QUESTION, CANCEL, "yes", state=state)
    assert texts(replies) == ["", "", ""]
    assert [turn.text for turn in state.turns[-3:]] == [QUESTION, CANCEL, "yes"]
    assert {turn.role for turn in state.turns[-3:]} == {"user"}
    assert len(shop.transport.seen) == seen
    state, replies = shop.talk(QUESTION, state=given_back(state))
    assert replies[0].text.startswith(QUOTE)


def test_nothing_from_before_hands_over_again(shop: Shop) -> None:
    state, replies = shop.talk(NONSENSE, NONSENSE)
    assert replies[-1].action == "handoff"
    state, replies = shop.talk(NONSENSE, state=given_back(state))
    assert replies[0].action == "abstain"
    assert (state.mode, state.failures) == ("bot", 1)


def test_two_failures_in_a_row_hand_over(shop: Shop) -> None:
    state, replies = shop.talk(NONSENSE, NONSENSE)
    assert [reply.action for reply in replies] == ["abstain", "handoff"]
    assert replies[1].cause == "no_evidence"
    assert replies[1].text.endswith(
        "I'm passing you on to a person, with what we have said so far."
    )
    assert state.failures == 0


def test_failures_that_are_not_in_a_row_dont(shop: Shop) -> None:
    state, replies = shop.talk(NONSENSE, QUESTION, NONSENSE)
    assert [reply.action for reply in replies] == ["abstain", "answer", "abstain"]
    assert state.failures == 1


def test_answers_that_cant_be_read_hand_over(shop: Shop) -> None:
    state, replies = shop.talk("where is my order?", "xyzzy", "xyzzy")
    assert replies[1].text.startswith("That isn't an order number.")
    assert (replies[2].action, replies[2].cause) == ("handoff", "policy")
    assert "order number" not in replies[2].text
    assert state.mode == "person"


def test_by_policy_of_a_flow(shop: Shop) -> None:
    _, replies = shop.talk(f"where is my order FW-20390456, {MAIL}", "no")
    assert (replies[-1].action, replies[-1].cause) == ("handoff", "policy")
    assert replies[-1].handoff
    assert replies[-1].handoff.reason == (
        "order FW-20390456 is reported as delivered, and the customer hasn't got it"
    )


def test_a_failing_action_is_told_and_offers_a_person(shop: Shop) -> None:
    shop.failing.extend([503] * 3)
    state, replies = shop.talk(CANCEL)
    assert replies[0].text == (
        "I couldn't get that from the order system just now. "
        "Shall I pass you on to a person, or try again?"
    )
    assert [s.text for s in replies[0].suggestions] == ["Try again", "Talk to a person"]
    assert state.facts == ()
    _, replies = shop.talk("Try again", state=state)
    assert replies[0].text.startswith("Why would you like to cancel it")


@pytest.mark.parametrize(
    ("said", "action"),
    [("Talk to a person", "handoff"), ("yes please", "handoff"), ("no", "flow")],
)
def test_what_is_offered_after_a_failure(shop: Shop, said: str, action: str) -> None:
    shop.failing.extend([503] * 3)
    _, replies = shop.talk(CANCEL, said)
    assert replies[-1].action == action
    assert len(shop.transport.seen) == 3


def test_a_question_doesnt_try_a_failed_action_again(shop: Shop) -> None:
    shop.failing.extend([503] * 3)
    _, replies = shop.talk(CANCEL, QUESTION)
    assert replies[-1].text.startswith(QUOTE)
    assert replies[-1].text.endswith("or try again?")
    assert len(shop.transport.seen) == 3


def test_a_change_that_failed_twice_goes_to_a_person(shop: Shop) -> None:
    shop.talk(CANCEL, "skip")
    state, _ = shop.talk(CANCEL, "skip")
    shop.failing.extend([500] * 6)
    _, replies = shop.talk("yes", "try again", state=state)
    assert replies[0].text.startswith("I couldn't make sure with the order system")
    assert (replies[1].action, replies[1].cause) == ("handoff", "tool_failure")
    keys = {r.headers["Idempotency-Key"] for r in shop.transport.seen if r.method == "POST"}
    assert len(keys) == 1


def test_a_change_that_was_made_though_its_answer_was_lost_is_made_once(shop: Shop) -> None:
    state, _ = shop.talk(CANCEL, "skip")
    shop.talk("yes", state=state)
    _, replies = shop.talk("yes", state=state)
    assert replies[0].text.startswith("Order FW-20418834 is cancelled.")
    assert shop.orders.changes == ["cancel FW-20418834"]


def test_a_failing_search_hands_over() -> None:
    class Broken:
        version = "v"
        embedder = None

        def search(self, query: str, k: int | None = None) -> Any:
            raise OSError("the disk is gone")

    with open_shop(retriever=Broken()) as shop:
        state, replies = shop.talk(QUESTION)
    assert (replies[0].action, replies[0].cause) == ("handoff", "tool_failure")
    assert replies[0].handoff
    assert state.mode == "person"


def test_the_turn_of_a_person_stays_in_the_transcript() -> None:
    state = given_back(State(conversation_id="c", mode="person", failures=3))
    assert (state.mode, state.failures, state.stack) == ("bot", 0, ())


def test_by_time_the_bot_goes_on_once_no_person_has_written_for_so_long(shop: Shop) -> None:
    begun = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    clock = [begun]
    dialogue = shop.parts["dialogue"]
    shop.parts["dialogue"] = replace(dialogue, give_back_hours=24.0, now=lambda: clock[0])
    state, _ = shop.talk(CANCEL, "let me talk to a person")
    assert state.person_at == "2026-11-25T12:00:00+00:00"
    clock[0] = begun + timedelta(hours=23)
    state, replies = shop.talk(QUESTION, state=state)
    assert (replies[0].text, state.mode) == ("", "person")
    clock[0] = begun + timedelta(hours=24)
    state, replies = shop.talk(QUESTION, state=state)
    assert replies[0].text.startswith(QUOTE)
    assert (state.mode, state.person_at, state.stack) == ("bot", None, ())


def test_without_hours_or_a_time_a_person_keeps_it() -> None:
    later = datetime(2030, 1, 1, tzinfo=UTC)
    state = State(conversation_id="c", mode="person", person_at="2026-11-25T12:00:00+00:00")
    assert overdue(state, later, 1.0)
    assert not overdue(state, later, 0.0)
    assert not overdue(replace(state, person_at=None), later, 1.0)
