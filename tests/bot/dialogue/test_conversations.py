"""Conversations over the sample shop's flows and its order service."""

import json

import pytest

from bot.types import State
from tests.bot.dialogue.shop import Shop, texts
from tests.bot.pipeline import QUESTION, QUOTE

MAIL = "sam@mail.example"
CANCEL = f"I want to cancel my order FW-20418834, {MAIL}"


def test_where_is_my_order(shop: Shop) -> None:
    state, replies = shop.talk("where is my order?", "FW-20400123", MAIL)
    assert texts(replies)[0].startswith("What is your order number?")
    assert texts(replies)[1] == "Which e-mail address did you order with?"
    assert replies[2].text == (
        'Order FW-20400123 has the status "Dispatched". It should reach you on 26 November 2026. '
        "You can follow it at https://fernway.example.com/track/20400123."
    )
    assert {reply.action for reply in replies} == {"flow"}
    assert state.flow is None


def test_each_fact_of_a_flow_is_cited_from_where_it_comes(shop: Shop) -> None:
    _, replies = shop.talk("where is my order FW-20400123?", MAIL)
    reply = replies[-1]
    for sentence in reply.sentences:
        assert reply.text[sentence.start : sentence.end] == sentence.text
        assert sentence.status == "supported"
        assert sentence.citations
    quotes = {citation.n: (citation.kind, citation.quote) for citation in reply.citations}
    assert quotes[1] == ("slot", "order_number: FW-20400123")
    assert quotes[2] == ("action", "status: Dispatched")
    assert reply.review
    assert reply.review.status == "supported"
    assert {verdict.guard for verdict in reply.review.verdicts} == {"flow"}
    assert {v.evidence.kind for v in reply.review.verdicts if v.evidence} == {"slot", "action"}


def test_several_slots_in_one_sentence_are_not_asked_for(shop: Shop) -> None:
    _, replies = shop.talk(CANCEL)
    assert texts(replies)[0].startswith("Why would you like to cancel it")
    assert [s.text for s in replies[0].suggestions][:2] == ["by mistake", "found it cheaper"]


def test_an_action_is_carried_out_once_after_a_yes(shop: Shop) -> None:
    state, replies = shop.talk(CANCEL, "takes too long", "yes, go ahead", "yes", "yes please")
    assert "Shall I cancel order FW-20418834" in replies[1].text
    assert shop.orders.changes == ["cancel FW-20418834"]
    assert replies[2].text.startswith("Order FW-20418834 is cancelled. You get €59.00 back.")
    writes = [request for request in shop.transport.seen if request.method == "POST"]
    assert [json.loads(w.content)["reason"] for w in writes] == ["takes too long"]
    assert state.flow is None


@pytest.mark.parametrize("said", ["no", "nope, don't", "yes but not the socks", "hm", "cancel it"])
def test_nothing_is_done_without_a_clear_yes(shop: Shop, said: str) -> None:
    shop.talk(CANCEL, "by mistake", said)
    assert shop.orders.changes == []


def test_a_no_is_told(shop: Shop) -> None:
    _, replies = shop.talk(CANCEL, "by mistake", "no thanks")
    assert replies[-1].text == "I haven't cancelled anything."


def test_an_optional_slot_may_be_skipped(shop: Shop) -> None:
    _, replies = shop.talk(CANCEL, "skip", "yes")
    assert "Shall I cancel" in replies[1].text
    assert shop.orders.changes == ["cancel FW-20418834"]
    (write,) = [request for request in shop.transport.seen if request.method == "POST"]
    assert json.loads(write.content) == {"email": MAIL}


def test_a_slot_that_is_needed_may_not_be_skipped(shop: Shop) -> None:
    state, replies = shop.talk("where is my order?", "I don't know")
    assert replies[-1].text.startswith("I can't go on without that. What is your order number?")
    assert state.failures == 1


def test_a_correction_goes_back_and_asks_again_for_a_yes(shop: Shop) -> None:
    messages = (CANCEL, "by mistake", "no, I mean FW-20418833", "yes")
    _, replies = shop.talk(*messages)
    assert "Shall I cancel order FW-20418833" in replies[2].text
    assert shop.orders.changes == ["cancel FW-20418833"]


def test_the_second_order_is_the_second_that_was_named(shop: Shop) -> None:
    state, _ = shop.talk("where is my order FW-20418834?", MAIL, "where is my order FW-20418833?")
    _, replies = shop.talk("cancel my order", "by mistake", "no, the first order", state=state)
    assert "cancel order FW-20418833" in replies[1].text
    assert "cancel order FW-20418834" in replies[2].text


def test_a_slot_said_to_be_wrong_is_asked_for_again(shop: Shop) -> None:
    _, replies = shop.talk(CANCEL, "by mistake", "no, the order number is wrong", "20418833")
    assert replies[2].text.startswith("What is your order number?")
    assert "Shall I cancel order FW-20418833" in replies[3].text


def test_a_question_in_the_middle_is_answered_and_the_flow_goes_on(shop: Shop) -> None:
    state, replies = shop.talk("where is my order?", QUESTION, "FW-20400123", MAIL)
    assert replies[1].action == "answer"
    assert replies[1].text.startswith(QUOTE)
    assert replies[1].text.endswith("It starts with FW- and stands in the confirmation e-mail.")
    for sentence in replies[1].sentences:
        assert replies[1].text[sentence.start : sentence.end] == sentence.text
    assert "Dispatched" in replies[-1].text
    assert state.failures == 0


def test_a_value_and_a_question_in_one_message(shop: Shop) -> None:
    state, replies = shop.talk("where is my order?", f"It's FW-20400123. {QUESTION}")
    assert replies[-1].text.startswith(QUOTE)
    assert replies[-1].text.endswith("Which e-mail address did you order with?")
    assert state.slots["order_number"].value == "FW-20400123"


def test_another_task_in_the_middle_and_back(shop: Shop) -> None:
    state, replies = shop.talk("I want to return something", "where is my order", "FW-20390456")
    assert [frame.flow for frame in state.stack] == ["return_item", "track_order"]
    state, replies = shop.talk(MAIL, "yes", state=state)
    assert replies[-1].text.startswith("Good, then it's all in order. Back to what you began")
    assert state.flow == "return_item"


def test_what_was_said_is_never_asked_again(shop: Shop) -> None:
    state, _ = shop.talk(f"My order is FW-20390456, {MAIL}. {QUESTION}")
    _, replies = shop.talk("I want to return something", state=state)
    assert replies[0].text.startswith("Which item do you want to send back: Leather boots")


def test_another_order_is_asked_for(shop: Shop) -> None:
    state, _ = shop.talk("where is my order FW-20400123?", MAIL)
    _, replies = shop.talk("I want to cancel my other order", state=state)
    assert replies[0].text.startswith("What is your order number?")


def test_a_bare_value_goes_to_the_flow_that_ended(shop: Shop) -> None:
    _, replies = shop.talk("where is my order FW-20400123?", MAIL, "and FW-20418834?", "no")
    assert 'FW-20418834 has the status "Confirmed"' in replies[2].text
    assert replies[3].text == "Is there anything else I can do for you?"


def test_a_bare_value_from_nowhere_asks_what_for(shop: Shop) -> None:
    state, replies = shop.talk("FW-20400123", "Where is my order?")
    assert replies[0].action == "clarify"
    assert "Cancel an order" in [s.text for s in replies[0].suggestions]
    assert state.flow == "track_order"


def test_cancel_later_and_come_back(shop: Shop) -> None:
    state, replies = shop.talk("I want to return something", "not now", QUESTION)
    assert replies[1].text == "All right. Just say so when you want to go on."
    assert "order number" not in replies[2].text
    assert state.flow is None
    state, replies = shop.talk("back to the return", "never mind", state=state)
    assert replies[0].text.startswith("What is your order number?")
    assert replies[1].text == "All right, I've left it at that."
    assert state.stack == ()


@pytest.mark.parametrize("said", ["never mind", "later", "no", "ok"])
def test_with_nothing_to_leave_it_offers_more(shop: Shop, said: str) -> None:
    state, replies = shop.talk(said)
    assert replies[0].text in (
        "Is there anything else I can do for you?",
        "You're welcome! Is there anything else you would like to know?",
    )
    assert (state.failures, state.stack) == (0, ())


def test_two_values_are_asked_back_about(shop: Shop) -> None:
    state, replies = shop.talk("where is my order FW-20400123 or FW-20418834", "the second one")
    assert replies[0].text == "Which one do you mean?"
    assert [s.text for s in replies[0].suggestions] == ["FW-20400123", "FW-20418834"]
    assert state.slots["order_number"].value == "FW-20418834"


def test_an_unknown_order_is_told_and_can_be_corrected(shop: Shop) -> None:
    _, replies = shop.talk(f"where is my order FW-99999999, {MAIL}", "yes", "FW-20400123", MAIL)
    assert replies[0].text.startswith(f"There is no order FW-99999999 with the address {MAIL}.")
    assert replies[1].text.startswith("What is your order number?")
    assert "Dispatched" in replies[-1].text


def test_a_return_from_start_to_end(shop: Shop) -> None:
    messages = (
        "I'd like to return part of my order", f"fw 20390456 and {MAIL}", "the boots",
        "they are too small", "store credit please", "yes",
    )  # fmt: skip
    _, replies = shop.talk(*messages)
    assert shop.orders.changes == ["return FW-20390456 Leather boots"]
    assert replies[-1].text.startswith(
        "Your return is registered as RT-000001. Please hand in the parcel by 9 December 2026."
    )
    form = replies[1].form
    assert form
    assert form.fields[0].choices == ("Leather boots", "Rucksack 40 l", "Merino socks")


def test_an_address_is_changed(shop: Shop) -> None:
    start = f"I gave the wrong address, order FW-20418833, {MAIL}"
    _, replies = shop.talk(start, "12 Hill Road, Dunbrack", "yes")
    assert shop.orders.changes == ["move FW-20418833"]
    assert replies[-1].text == "Order FW-20418833 now goes to 12 Hill Road, Dunbrack."


def test_step_changes_nothing_in_place_and_state_goes_through_json(shop: Shop) -> None:
    from pydantic import TypeAdapter

    adapter = TypeAdapter(State)
    state = State(conversation_id="c1")
    for message in (CANCEL, "the weather", "by mistake", "no, FW-20418833", "yes"):
        before = adapter.dump_json(state)
        shop.talk(message, state=state)
        assert adapter.dump_json(state) == before
        state, _ = shop.talk(message, state=adapter.validate_json(before))
    assert shop.orders.changes == ["cancel FW-20418833"]  # though each message came twice
    assert adapter.validate_json(adapter.dump_json(state)) == state


def test_every_turn_says_why(shop: Shop) -> None:
    state, replies = shop.talk("where is my order FW-20400123?")
    said = state.turns[0].trace
    assert said[0].startswith("start_flow track_order")
    assert said[1] == "set_slot order_number=FW-20400123 (1.00)"
    assert replies[0].trace == (*said, "said: flow")


def test_an_operators_flows_may_be_none() -> None:
    from bot.dialogue.flows import Flows
    from bot.dialogue.step import step
    from tests.bot.dialogue.shop import dialogue_parts

    _, reply = step(State(conversation_id="c"), QUESTION, dialogue_parts(Flows()))
    assert reply.action == "answer"
    assert reply.text.startswith(QUOTE)
