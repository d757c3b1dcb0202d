"""Conversations over HTTP: repeats, order, taking over, exports and feedback."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.store.config import StoreConfig
from bot.store.errors import StoreUnreachable
from bot.store.schema import MessageRow
from bot.store.store import Store, open_store
from bot.store.types import Incoming, Message, now
from tests.bot.client import assert_problem, events, say, serving
from tests.fakes import FakeStream, make_reply


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(StoreConfig(url="sqlite://", lease_s=0.3))
    yield opened
    opened.close()


def abandon(store: Store, text: str, conversation_id: str = "c1") -> Message:
    """A message whose process was killed."""
    incoming = Incoming(conversation_id=conversation_id, client_id=text, text=text)
    message = store.turns.receive(incoming, "dead", 9)
    assert isinstance(message, Message)
    with store.database.write() as session:
        session.execute(update(MessageRow).values(lease_until=now() - timedelta(seconds=1)))
    return message


def test_a_repeated_message_is_answered_once() -> None:
    stream = FakeStream("One.", "Two.")
    with serving(stream) as client:
        first = say(client, "Hi?", message_id="m1").json()
        again = say(client, "Hi?", message_id="m1").json()
        streamed = events(say(client, "Hi?", message_id="m1", stream=True).text)
        problem = say(client, "Ho?", message_id="m1")
        kept = client.get(f"/v1/conversations/{first['conversation_id']}").json()
    assert first == again == streamed[-1][1]
    assert [name for name, _ in streamed] == ["status", "sentence", "sentence", "reply"]
    assert_problem(problem, 409, "message-id-reused")
    assert len(stream.seen) == 1
    assert len(kept["turns"]) == 2


def test_repeats_at_once_are_answered_once_and_all_get_the_reply() -> None:
    gate = threading.Event()
    stream = FakeStream(gate=gate, before=gate.set, pause=0.05)
    got: list[Any] = []
    with serving(stream) as client:
        asking = [
            threading.Thread(target=lambda: got.append(say(client, message_id="m1").json()))
            for _ in range(4)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(10)
    assert len(stream.seen) == 1
    assert len(got) == 4
    assert all(reply == got[0] for reply in got)


def test_messages_of_a_conversation_are_answered_one_after_another() -> None:
    stream = FakeStream(pause=0.02)
    with serving(stream, max_waiting=9, history_turns=99) as client:
        asking = [
            threading.Thread(target=say, args=(client, f"q{n}"), kwargs={"conversation_id": "c1"})
            for n in range(5)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(10)
        kept = client.get("/v1/conversations/c1").json()
    assert sorted(len(state.turns) for _, state in stream.seen) == [0, 2, 4, 6, 8]
    assert [turn["text"] for turn in kept["turns"]][::2] == [text for text, _ in stream.seen]
    assert kept["unanswered"] == []


def test_a_message_without_a_reply_is_reported_and_can_be_sent_again() -> None:
    stream = FakeStream(error=ValueError("secret"))
    with serving(stream) as client:
        assert_problem(say(client, "Hi?", conversation_id="c1", message_id="m1"), 500, "internal")
        (open_message,) = client.get("/v1/conversations/c1").json()["unanswered"]
        stream.error = None
        assert say(client, "Hi?", conversation_id="c1", message_id="m1").status_code == 200
        kept = client.get("/v1/conversations/c1").json()
    assert open_message | {"at": ""} == {
        "message_id": "m1", "text": "Hi?", "at": "", "status": "failed", "reason": "ValueError",
    }  # fmt: skip
    assert kept["unanswered"] == []
    assert len(kept["turns"]) == 2


def test_the_next_message_answers_for_a_dead_one_first(store: Store) -> None:
    abandon(store, "first")
    stream = FakeStream()
    with serving(stream, store=store) as client:
        assert say(client, "second", conversation_id="c1").status_code == 200
        kept = client.get("/v1/conversations/c1").json()
        repeat = say(client, "first", conversation_id="c1", message_id="first").json()
    assert [text for text, _ in stream.seen] == ["first", "second"]
    assert [turn["text"] for turn in kept["turns"]][::2] == ["first", "second"]
    assert repeat["reply_id"] == kept["turns"][1]["reply_id"]


def test_what_a_dead_process_left_is_answered_in_time(store: Store) -> None:
    abandon(store, "left")
    stream = FakeStream()
    with serving(stream, store=store) as client:
        deadline = time.monotonic() + 5
        while not client.get("/v1/conversations/c1").json()["turns"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert [text for text, _ in stream.seen] == ["left"]


def test_a_reply_that_takes_longer_than_the_lease_keeps_its_message(store: Store) -> None:
    stream = FakeStream("One.", "Two.", "Three.", pause=0.3)
    with serving(stream, store=store) as client:
        assert say(client, conversation_id="c1").status_code == 200
    assert len(stream.seen) == 1


def test_who_lost_the_message_gives_the_other_ones_reply(store: Store) -> None:
    def steal() -> None:
        with store.database.write() as session:
            session.execute(update(MessageRow).values(owner="thief"))
            message_id = session.scalars(select(MessageRow.id)).one()
        state = store.turns.standing(message_id, "thief").state
        assert state
        store.turns.finish(message_id, "thief", make_reply(state, "The thief's."), state)

    with serving(FakeStream("Mine.", before=steal), store=store) as client:
        assert say(client, conversation_id="c1").json()["text"] == "The thief's."


def test_a_full_line_leaves_no_message_behind() -> None:
    gate, begun = threading.Event(), threading.Event()
    with serving(FakeStream(gate=gate, before=begun.set), max_waiting=0) as client:
        asking = threading.Thread(target=say, args=(client,))
        asking.start()
        assert begun.wait(5)
        assert_problem(say(client, conversation_id="c9"), 429, "busy")
        assert_problem(client.get("/v1/conversations/c9"), 404, "unknown-conversation")
        gate.set()
        asking.join(5)


def test_a_conversation_belongs_to_its_user() -> None:
    with serving() as client:
        assert say(client, conversation_id="c1", user={"id": "u1"}).status_code == 200
        response = say(client, conversation_id="c1", user={"id": "u2"})
        assert_problem(response, 403, "forbidden")


def test_feedback_and_export() -> None:
    with serving() as client:
        reply = say(client, conversation_id="c1").json()
        rated = {"reply_id": reply["reply_id"], "rating": "down", "comment": "Too short."}
        assert client.post("/v1/feedback", json=rated).status_code == 204
        assert_problem(
            client.post("/v1/feedback", json=rated | {"reply_id": "x"}), 404, "unknown-reply"
        )
        assert_problem(client.post("/v1/feedback", json=rated | {"rating": "meh"}), 422, "invalid")
        found = client.get("/v1/conversations/c1/export").json()
        assert_problem(client.get("/v1/conversations/x/export"), 404, "unknown-conversation")
    assert found["messages"][0]["feedback"]["comment"] == "Too short."
    assert found["messages"][0]["reply"]["reply_id"] == reply["reply_id"]


def test_a_database_that_is_away_is_a_problem_and_shows_in_readyz(tmp_path: Path) -> None:
    store = open_store(StoreConfig(url=f"sqlite:///{tmp_path}/t.db", timeout_s=0.1))
    with serving(store=store) as client:
        other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert_problem(say(client), 503, "store-unreachable")
        other.execute("ROLLBACK")
        other.close()
        assert say(client).status_code == 200
        store.database.ping = _away  # type: ignore[method-assign]
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["the database is away"])


def _away() -> None:
    raise StoreUnreachable("the database is away")
