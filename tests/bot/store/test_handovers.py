"""A person takes a conversation over, and gives it back: nothing of the bot's slips through."""

from datetime import datetime, timedelta

from bot.store.outbox import put
from bot.store.store import Store
from bot.store.types import Delivery, now
from tests.bot.store.helpers import die, finish, receive, reply

NOTE = Delivery(destination="x", payload={"kind": "open"})


def mode(store: Store, conversation_id: str = "c1") -> str | None:
    state = store.conversations.state(conversation_id)
    return state.mode if state else None


def test_a_reply_under_way_is_not_recorded_any_more(store: Store) -> None:
    message = receive(store)
    state = store.turns.standing(message.id, "a").state
    assert state is not None
    store.handovers.to_person("c1")
    assert not store.turns.finish(message.id, "a", reply(), state, [NOTE])
    standing = store.turns.standing(message.id, "a")
    assert (standing.status, standing.reason) == ("failed", "person")
    assert mode(store) == "person"
    assert store.outbox.counts()["waiting"] == 0


def test_what_waits_to_be_sent_is_dropped_for_what_is_given(store: Store) -> None:
    finish(store, receive(store))
    finish(store, receive(store, conversation_id="c2"))
    store.outbox.put(Delivery(destination="x", payload={"n": 1}), "c1")
    store.outbox.put(Delivery(destination="x", payload={"n": 2}), "c2")
    store.handovers.to_person("c1", [NOTE])
    assert [d.payload for d in store.outbox.claim("a")] == [{"n": 2}, {"kind": "open"}]


def test_an_unknown_conversation_is_the_persons_from_the_start(store: Store) -> None:
    before = now()
    store.handovers.to_person("new")
    assert mode(store, "new") == "person"
    assert not store.handovers.to_bot("new", before)


def test_only_later_news_gives_it_back(store: Store) -> None:
    finish(store, receive(store))
    before = now()
    store.handovers.to_person("c1")
    assert not store.handovers.to_bot("c1", before)
    assert mode(store) == "person"
    assert store.handovers.to_bot("c1", now() + timedelta(seconds=1))
    assert mode(store) == "bot"
    assert store.handovers.to_bot("c1", before)  # it has it


def test_it_stays_with_the_person_while_the_handoff_goes_out(store: Store) -> None:
    store.handovers.to_person("c1", [NOTE])
    later = now() + timedelta(seconds=1)
    assert not store.handovers.to_bot("c1", later)
    (claimed,) = store.outbox.claim("a")
    assert store.outbox.done(claimed.id, "a")
    assert store.handovers.to_bot("c1", later)


def test_it_is_known_since_when_a_person_has_it(store: Store) -> None:
    finish(store, receive(store))
    before = now().replace(microsecond=0)
    store.handovers.to_person("c1")
    state = store.conversations.state("c1")
    assert state
    assert state.person_at
    assert datetime.fromisoformat(state.person_at) >= before
    assert store.handovers.to_bot("c1", now() + timedelta(seconds=1))
    state = store.conversations.state("c1")
    assert state
    assert state.person_at is None


def test_the_bot_has_what_nobody_knows(store: Store) -> None:
    assert store.handovers.to_bot("new", now())
    assert mode(store, "new") is None


def test_a_failure_is_delivered_with_it(store: Store) -> None:
    message = receive(store)
    store.turns.fail(message.id, "another", "too-slow", [NOTE])
    assert store.outbox.counts()["waiting"] == 0
    store.turns.fail(message.id, "a", "too-slow", [NOTE])
    store.turns.fail(message.id, "a", "too-slow", [NOTE])
    assert store.outbox.counts()["waiting"] == 1


def test_a_message_that_is_given_up_is_delivered_as_such(store: Store) -> None:
    message = receive(store)
    for n in range(3):
        die(store, message)
        assert store.turns.take_over(message.id, f"o{n}", [NOTE]) == (n < 2)
    assert [d.payload for d in store.outbox.claim("a")] == [NOTE.payload]


def test_a_released_message_waits_for_the_next_process(store: Store) -> None:
    message = receive(store)
    for _ in range(5):
        store.turns.release(message.id, "a")
        assert [found.id for found in store.turns.abandoned(9)] == [message.id]
        assert store.turns.take_over(message.id, "a")


def test_a_message_is_known_whatever_became_of_it(store: Store) -> None:
    assert not store.turns.known("c1", "hi")
    message = receive(store)
    store.turns.fail(message.id, "a", "too-slow")
    assert store.turns.known("c1", "hi")
    assert not store.turns.known("c2", "hi")


def test_a_conversations_deliveries_go_one_after_another(store: Store) -> None:
    receive(store)
    with store.database.write() as session:
        first = put(session, NOTE, "c1")
        second = put(session, NOTE, "c1")
        free = put(session, NOTE, None)
    assert [d.id for d in store.outbox.claim("a")] == [first, free]
    assert store.outbox.claim("b") == []
    store.outbox.retry(first, "a", now() + timedelta(hours=1), "HTTP 503")
    assert store.outbox.claim("b") == []
    assert not store.outbox.confirm(first, "c2")
    assert store.outbox.confirm(first, "c1")
    assert not store.outbox.confirm(first, "c1")
    assert [d.id for d in store.outbox.claim("b")] == [second]
