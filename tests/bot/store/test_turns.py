"""Turns: recorded first, one after another, answered once, whoever dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.exc import StatementError

from bot.store.store import Store
from bot.store.turns import MAX_ATTEMPTS
from bot.store.types import Delivery, Message
from bot.types import State, Turn
from tests.bot.store.helpers import die, finish, receive, reply, try_receive


def test_a_message_is_on_record_before_any_work(store: Store) -> None:
    message = receive(store, "How long?", channel="web", user_id="u1")
    assert store.conversations.unanswered("c1")[0]["text"] == "How long?"
    standing = store.turns.standing(message.id, "a")
    assert (standing.status, standing.state) == ("now", State(conversation_id="c1"))


def test_the_reply_and_the_state_go_together(store: Store) -> None:
    message = receive(store)
    state = State(conversation_id="c1", turns=(Turn(role="user", text="hi"),), language="de")
    made = reply()
    assert store.turns.finish(message.id, "a", made, state, [Delivery(destination="x", payload={})])
    standing = store.turns.standing(message.id, "a")
    assert (standing.status, standing.reply) == ("answered", made)
    assert store.conversations.state("c1") == state
    assert store.outbox.counts()["waiting"] == 1
    assert store.conversations.unanswered("c1") == []


def test_a_repeat_gets_the_stored_reply(store: Store) -> None:
    made = finish(store, receive(store))
    again = receive(store, owner="b")
    assert store.turns.standing(again.id, "b").reply == made
    assert not store.turns.finish(again.id, "b", reply(), State(conversation_id="c1"))


def test_an_id_stands_for_one_text_in_one_conversation(store: Store) -> None:
    receive(store, "hi", client_id="m1")
    assert try_receive(store, "ho", client_id="m1") == "reused"
    assert isinstance(try_receive(store, "ho", client_id="m1", conversation_id="c2"), Message)


def test_a_conversation_belongs_to_its_user(store: Store) -> None:
    receive(store, "hi", user_id="u1")
    assert try_receive(store, "ho", user_id="u2") == "not_theirs"
    assert isinstance(try_receive(store, "ho", user_id="u1"), Message)


def test_too_many_may_not_wait(store: Store) -> None:
    first = receive(store, "1", most=2)
    receive(store, "2", most=2)
    assert try_receive(store, "3", most=2) == "full"
    finish(store, first)
    assert isinstance(try_receive(store, "3", most=2), Message)


def test_the_second_waits_for_the_first(store: Store) -> None:
    first, second = receive(store, "1", "a"), receive(store, "2", "b")
    assert store.turns.standing(second.id, "b").status == "wait"
    assert receive(store, "3", "c", conversation_id="c2").id  # another conversation doesn't
    finish(store, first)
    assert store.turns.standing(second.id, "b").status == "now"


def test_a_failed_message_lets_the_next_one_go_and_may_be_repeated(store: Store) -> None:
    first, second = receive(store, "1", "a"), receive(store, "2", "b")
    store.turns.fail(first.id, "a", "too-slow")
    failed = store.turns.standing(first.id, "a")
    assert (failed.status, failed.reason) == ("failed", "too-slow")
    again = receive(store, "1", "c")
    assert again.id == first.id
    assert store.turns.standing(first.id, "c").status == "wait"  # behind the second now
    finish(store, second, "b")
    finish(store, again, "c")
    texts = [m["text"] for m in (store.conversations.export("c1") or {})["messages"]]
    assert texts == ["2", "1"]


def test_a_repeat_while_the_first_try_works_waits_for_it(store: Store) -> None:
    message = receive(store, owner="a")
    receive(store, owner="b")
    assert store.turns.standing(message.id, "b").status == "wait"
    assert store.turns.standing(message.id, "a").status == "now"
    assert not store.turns.finish(message.id, "b", reply(), State(conversation_id="c1"))


def test_whoever_comes_next_takes_over_from_the_dead(store: Store) -> None:
    first, second = receive(store, "1", "a"), receive(store, "2", "b")
    assert not store.turns.take_over(first.id, "b")
    die(store, first)
    assert store.turns.standing(second.id, "b").abandoned == first
    assert store.turns.abandoned(9) == [first]
    assert store.turns.take_over(first.id, "b")
    assert not store.turns.take_over(first.id, "c")
    assert store.turns.standing(first.id, "b").status == "now"
    late = store.turns.finish(first.id, "a", reply("late"), State(conversation_id="c1"))
    assert not late  # it wasn't dead after all: too late all the same
    assert finish(store, first, "b") == store.turns.standing(first.id, "a").reply


def test_only_the_head_of_a_conversation_is_abandoned(store: Store) -> None:
    first, second = receive(store, "1", "a"), receive(store, "2", "b")
    die(store, second)
    assert store.turns.abandoned(9) == []
    assert store.turns.standing(first.id, "a").status == "now"
    die(store, first)
    assert store.turns.abandoned(9) == [first]


def test_who_lives_keeps_the_message(store: Store) -> None:
    message = receive(store)
    die(store, message)
    store.turns.renew(message.id, "a")
    assert store.turns.abandoned(9) == []
    die(store, message)
    store.turns.renew(message.id, "b")
    assert store.turns.abandoned(9) == [message]


def test_a_message_that_kills_is_given_up(store: Store) -> None:
    first, second = receive(store, "1", "a"), receive(store, "2", "b")
    for _ in range(MAX_ATTEMPTS - 1):
        die(store, first)
        assert store.turns.take_over(first.id, "a")
    die(store, first)
    assert not store.turns.take_over(first.id, "a")
    assert store.turns.standing(first.id, "a").reason == "interrupted"
    assert store.turns.standing(second.id, "b").status == "now"


def test_a_refused_message_leaves_nothing(store: Store) -> None:
    message = receive(store)
    store.turns.withdraw(message.id, "b")
    assert store.conversations.state("c1")
    store.turns.withdraw(message.id, "a")
    assert store.conversations.state("c1") is None
    finish(store, receive(store, "1"))
    store.turns.withdraw(receive(store, "2").id, "a")
    assert len((store.conversations.export("c1") or {})["messages"]) == 1


def test_what_is_erased_meanwhile_is_not_recorded(store: Store) -> None:
    message = receive(store)
    assert store.conversations.erase("c1")
    assert not store.turns.finish(message.id, "a", reply(), State(conversation_id="c1"))
    assert store.turns.standing(message.id, "a").status == "gone"
    assert store.conversations.state("c1") is None


def test_nothing_of_a_failed_transaction_stays(store: Store) -> None:
    message = receive(store)
    state = replace(State(conversation_id="c1"), language="de")
    bad = [Delivery(destination="x", payload={"a": object()})]
    with pytest.raises((StatementError, TypeError), match="serializ"):
        store.turns.finish(message.id, "a", reply(), state, bad)
    assert store.turns.standing(message.id, "a").status == "now"
    assert store.conversations.state("c1") == State(conversation_id="c1")


def test_many_at_once_get_different_places(store: Store) -> None:
    together = threading.Barrier(8)

    def one(n: int) -> int:
        together.wait(5)
        return receive(store, f"{n}", f"o{n}", most=99).id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(one, range(8)))
    assert len(ids) == 8
    waiting = [row["text"] for row in store.conversations.unanswered("c1")]
    assert sorted(waiting) == [str(n) for n in range(8)]


def test_the_same_message_many_times_at_once_is_one(store: Store) -> None:
    together = threading.Barrier(8)

    def one(n: int) -> tuple[int, str]:
        together.wait(5)
        message = receive(store, "same", f"o{n}")
        return message.id, store.turns.standing(message.id, f"o{n}").status

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(one, range(8)))
    assert len({message_id for message_id, _ in got}) == 1
    assert sorted(status for _, status in got) == ["now", *["wait"] * 7]
