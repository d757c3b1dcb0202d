"""The agent bot against a Chatwoot that behaves as documented: it speaks only while it may."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bot.types import Handoff, Reply, Sentence, State
from tests.bot.integrations.chatwoot_server import ACCOUNT, ChatwootServer
from tests.bot.integrations.conftest import bot
from tests.fakes import FakeStream, make_reply

ANSWER = "You can return items within 45 days."


def handing_over(question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
    if "person" not in question:
        yield from FakeStream()(question, state)
        return
    handoff = Handoff(reason="customer_request", summary="Why: asked.", evidence=("45 days",))
    changes = {"action": "handoff", "cause": "customer_request", "handoff": handoff}
    yield make_reply(state, text="I'm passing you on.", **changes)


def mode(store: Any) -> str:
    return str(store.conversations.state(f"chatwoot:{ACCOUNT}:5").mode)


def test_it_answers_at_once_and_replies_after(chatwoot: ChatwootServer) -> None:
    gate = threading.Event()
    with bot(chatwoot, FakeStream(gate=gate)) as store:
        chatwoot.customer("How long?")
        chatwoot.quiet()
        assert chatwoot.answers == [(200, "accepted")]
        assert chatwoot.said() == []
        gate.set()
        chatwoot.until(chatwoot.said)
        chatwoot.until(lambda: store.outbox.counts()["waiting"] == 0)
    assert chatwoot.said() == [ANSWER]
    assert chatwoot.status == {5: "pending"}
    assert chatwoot.refused == []


def test_a_repeated_call_is_answered_once(chatwoot: ChatwootServer) -> None:
    stream = FakeStream()
    with bot(chatwoot, stream):
        message = chatwoot.customer("How long?")
        chatwoot.until(chatwoot.said)
        for delivery in ("same", "same", "from-the-assigned-bot"):
            again = chatwoot.send(message | {"event": "message_created"}, delivery)
            assert again.json() == {"status": "repeated"}
        time.sleep(0.3)
    assert chatwoot.said() == [ANSWER]
    assert len(stream.seen) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"message_type": "outgoing"},
        {"message_type": "activity"},
        {"message_type": "template"},
        {"private": True},
        {"event": "message_updated"},
        {"event": "webwidget_triggered"},
        {"account": {"id": ACCOUNT + 1}},
    ],
)
def test_what_no_customer_wrote_to_it_is_ignored(
    chatwoot: ChatwootServer, changes: dict[str, Any]
) -> None:
    stream = FakeStream()
    with bot(chatwoot, stream):
        message = chatwoot.customer("first")
        chatwoot.until(chatwoot.said)
        call = message | {"event": "message_created", "id": 7} | changes
        assert chatwoot.send(call).json() == {"status": "ignored"}
    assert len(stream.seen) == 1


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "guessed"},
        {"at": int(time.time()) - 400},
        {"at": int(time.time()) + 400},
        {"at": "nan"},
        {"at": "soon"},
        {"body": b'{"event": "message_created"}'},
        {"headers": {"X-Chatwoot-Signature": ""}},
        {"headers": {"X-Chatwoot-Timestamp": ""}},
        {"headers": {"X-Chatwoot-Signature": "sha256=é".encode()}},
    ],
)
def test_a_forged_or_old_call_is_refused(chatwoot: ChatwootServer, forged: Any) -> None:
    stream = FakeStream()
    with bot(chatwoot, stream):
        chatwoot.status[5] = "pending"
        message = chatwoot._add(5, "template", "How long?", {"id": 9})
        call = message | {"event": "message_created", "message_type": "incoming"}
        response = chatwoot.send(call, **forged)
    assert response.status_code == 401
    assert response.json()["type"] == "urn:truepenny:problem:forged"
    assert stream.seen == []


@pytest.mark.parametrize("allowed", [True, False])
def test_an_unsigned_call_needs_the_setting(chatwoot: ChatwootServer, allowed: bool) -> None:
    unsigned = {"X-Chatwoot-Signature": "", "X-Chatwoot-Timestamp": ""}
    with bot(chatwoot, integrations={"chatwoot_unsigned": allowed}):
        call = {"event": "conversation_opened", "id": 5, "status": "open"}
        response = chatwoot.send(call, headers=unsigned)
        forged = chatwoot.send(call, secret="guessed")
    assert response.status_code == (200 if allowed else 401)
    assert forged.status_code == 401


def test_other_names_and_other_bodies(chatwoot: ChatwootServer) -> None:
    with bot(chatwoot):
        wrong = chatwoot.send({"event": "message_created", "id": "x"})
        other = httpx.post(f"{chatwoot.bot_url}/integrations/slack/webhook", json={})
        odd = chatwoot.send({}, body=b"", headers={"Content-Type": "text/plain"})
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:truepenny:problem:invalid")
    assert (other.status_code, odd.status_code) == (404, 415)


def test_a_handoff_says_so_notes_why_and_opens_the_conversation(chatwoot: ChatwootServer) -> None:
    with bot(chatwoot, handing_over) as store:
        chatwoot.customer("a person please")
        chatwoot.until(lambda: chatwoot.status[5] == "open")
        chatwoot.quiet()
        assert mode(store) == "person"
        chatwoot.customer("are you there?")
        chatwoot.quiet()
    assert chatwoot.said() == ["I'm passing you on."]
    assert chatwoot.said(private=True) == ["Why: asked.\n- 45 days"]
    assert chatwoot.answers[-1] == (200, "left_to_a_person")


@pytest.mark.parametrize("by", ["resolving", "giving back"])
def test_the_next_conversation_is_the_bots_again(chatwoot: ChatwootServer, by: str) -> None:
    with bot(chatwoot, handing_over) as store:
        chatwoot.customer("a person please")
        chatwoot.until(lambda: chatwoot.status[5] == "open")
        chatwoot.person("I'm Sam.")
        chatwoot.toggle("resolved" if by == "resolving" else "pending")
        chatwoot.quiet()
        chatwoot.customer("How long?")
        chatwoot.until(lambda: len(chatwoot.said()) == 2)
        chatwoot.quiet()
        assert mode(store) == "bot"
    assert chatwoot.said() == ["I'm passing you on.", ANSWER]
    assert chatwoot.status == {5: "pending"}


@pytest.mark.parametrize("how", ["opens", "writes"])
def test_a_person_who_takes_over_is_not_talked_over(chatwoot: ChatwootServer, how: str) -> None:
    gate, asked = threading.Event(), threading.Event()
    stream = FakeStream(gate=gate, before=asked.set)
    with bot(chatwoot, stream) as store:
        chatwoot.customer("How long?")
        assert asked.wait(5)
        if how == "opens":
            chatwoot.toggle("open")
        else:
            chatwoot.person("I'll take this.")
        chatwoot.quiet()
        gate.set()
        chatwoot.until(lambda: chatwoot.status[5] == "open")
        time.sleep(0.3)
        assert store.outbox.counts()["waiting"] == 0
        assert mode(store) == "person"
    assert chatwoot.said() == []


def test_a_reply_that_waits_to_be_sent_is_dropped_too(chatwoot: ChatwootServer) -> None:
    chatwoot.faults.extend([503])
    with bot(chatwoot, integrations={"retry_s": 1.0}) as store:
        chatwoot.customer("How long?")
        chatwoot.until(lambda: not chatwoot.faults)
        chatwoot.toggle("open")
        chatwoot.quiet()
        chatwoot.until(lambda: store.outbox.counts()["waiting"] == 0, 2)
        time.sleep(1.1)
    assert chatwoot.said() == []


def test_a_stale_repeat_does_not_bring_the_bot_back(chatwoot: ChatwootServer) -> None:
    stream = FakeStream()
    with bot(chatwoot, stream):
        chatwoot.customer("first")
        chatwoot.until(chatwoot.said)
        late = chatwoot._add(5, "template", "How long?", {"id": 9})
        chatwoot.toggle("open")
        chatwoot.quiet()
        call = late | {"event": "message_created", "message_type": "incoming"}
        assert chatwoot.send(call).json() == {"status": "left_to_a_person"}
        chatwoot.until(lambda: chatwoot._calls.unfinished_tasks == 0)
    assert len(stream.seen) == 1
    assert chatwoot.status == {5: "open"}


@pytest.mark.parametrize("text", [None, "  ", "x" * 10_001])
def test_what_it_cannot_read_goes_to_a_person(chatwoot: ChatwootServer, text: str | None) -> None:
    stream = FakeStream()
    with bot(chatwoot, stream):
        chatwoot.customer(text)
        chatwoot.until(lambda: chatwoot.status[5] == "open")
    assert len(chatwoot.said()) == 1
    assert "person" in chatwoot.said()[0]
    assert stream.seen == []


@pytest.mark.parametrize("fault", ["error", "time-out"])
def test_a_reply_that_fails_becomes_a_handoff(chatwoot: ChatwootServer, fault: str) -> None:
    stream = FakeStream(error=ValueError("x")) if fault == "error" else FakeStream(pause=1.0)
    with bot(chatwoot, stream, reply_timeout_s=0.3):
        chatwoot.customer("How long?")
        chatwoot.until(lambda: chatwoot.status[5] == "open")
    assert len(chatwoot.said()) == 1
    assert "person" in chatwoot.said()[0]


def test_a_bot_that_is_not_ready_says_so_and_people_get_it(chatwoot: ChatwootServer) -> None:
    def load() -> Any:
        raise ValueError

    with bot(chatwoot, load=load):
        message = chatwoot.customer("How long?")
        chatwoot.until(lambda: chatwoot.status[5] == "open")
    assert chatwoot.answers[0][0] == 503
    assert chatwoot.failed == [message["id"]]


def test_articles_are_linked(chatwoot: ChatwootServer) -> None:
    from dataclasses import replace

    def stream(question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
        made = make_reply(state, ANSWER, "So it is.")
        linked = tuple(replace(c, url="https://help.example/returns") for c in made.citations)
        yield replace(made, citations=linked)

    with bot(chatwoot, stream):
        chatwoot.customer("How long?")
        chatwoot.until(chatwoot.said)
    link = "- [How long you can return an item](https://help.example/returns)"
    assert chatwoot.said() == [f"{ANSWER} So it is.\n\n{link}"]
