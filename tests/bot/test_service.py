"""The service over fakes: order, forms, and that failures say nothing."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from models.errors import ModelMissing
from tests.bot.client import assert_problem, events, say, serving
from tests.fakes import FakeGuard, FakeRetriever, FakeStream, parts

SECRET = "my card ends in 4242"


def test_a_plain_reply_has_the_contracts_form() -> None:
    with serving() as client:
        reply = say(client).json()
    assert reply["text"] == "You can return items within 45 days."
    assert reply["sentences"][0]["citations"] == [1]
    assert reply["citations"][0]["quote"] == reply["text"]
    assert reply["suggestions"] == [{"text": "When the refund arrives", "article_id": None}]
    assert len(reply["conversation_id"]) == 32


def test_events_come_in_order_and_the_first_at_once() -> None:
    with serving(FakeStream("One is so.", "Two is so.")) as client:
        response = say(client, stream=True, conversation_id="c1")
    found = events(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in found] == ["status", "sentence", "sentence", "reply"]
    assert found[0][1]["text"] == "looking it up"
    assert found[0][1]["conversation_id"] == "c1"
    assert [data["text"] for name, data in found if name == "sentence"] == [
        "One is so.",
        "Two is so.",
    ]
    assert found[-1][1]["text"] == "One is so. Two is so."


def test_a_conversation_is_kept_shown_and_erased() -> None:
    stream = FakeStream()
    with serving(stream, history_turns=2) as client:
        for n in range(3):
            say(client, f"question {n}", conversation_id="c1")
        kept = client.get("/v1/conversations/c1").json()
        assert client.delete("/v1/conversations/c1").status_code == 204
        assert_problem(client.get("/v1/conversations/c1"), 404, "unknown-conversation")
        assert_problem(client.delete("/v1/conversations/c1"), 404, "unknown-conversation")
    assert [turn["role"] for turn in kept["turns"]] == ["user", "assistant"] * 3
    assert kept["turns"][4]["text"] == "question 2"
    assert [turn.text for turn in stream.seen[2][1].turns][::2] == ["question 1"]


def test_a_conversation_erased_during_a_reply_stays_erased() -> None:
    gate, begun = threading.Event(), threading.Event()
    with serving(FakeStream(gate=gate, before=begun.set)) as client:
        asking = threading.Thread(target=say, args=(client,), kwargs={"conversation_id": "c1"})
        asking.start()
        assert begun.wait(5)
        assert client.delete("/v1/conversations/c1").status_code == 204
        gate.set()
        asking.join(5)
        assert client.get("/v1/conversations/c1").status_code == 404


def test_search_gives_hits() -> None:
    with serving() as client:
        found = client.post("/v1/search", json={"query": "what delivery costs", "k": 1}).json()
    assert [hit["article_id"] for hit in found["hits"]] == ["delivery"]
    assert found["index_version"] == "fake-1"


def test_check_reviews_any_answer() -> None:
    body = {
        "passages": [{"id": "p", "text": "Refunds take 5 days."}],
        "answer": "Refunds take 5 days. Refunds are instant and free.",
    }
    with serving() as client:
        review = client.post("/v1/check", json=body).json()
    assert review["status"] == "unsupported"
    assert [v["status"] for v in review["verdicts"]] == ["supported", "unsupported"]
    assert review["verdicts"][0]["quote"] == "Refunds take 5 days."


def test_it_is_busy_when_the_line_is_full() -> None:
    gate, begun = threading.Event(), threading.Event()
    with serving(FakeStream(gate=gate, before=begun.set), max_waiting=1) as client:
        asking = [threading.Thread(target=say, args=(client,)) for _ in range(2)]
        for thread in asking:
            thread.start()
        assert begun.wait(5)
        deadline = time.monotonic() + 5
        lane = client.app.state.service.replies  # type: ignore[attr-defined]
        while len(lane._jobs) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        for streamed in (False, True):
            response = say(client, stream=streamed)
            assert_problem(response, 429, "busy")
            assert int(response.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
        gate.set()
        for thread in asking:
            thread.join(5)
        assert say(client).status_code == 200


def test_a_reply_past_its_time_is_a_problem_and_shows_in_readyz() -> None:
    gate = threading.Event()
    stream = FakeStream(gate=gate)
    with serving(stream, reply_timeout_s=0.1) as client:
        assert_problem(say(client), 504, "too-slow")
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "stuck")
        name, data = events(say(client, stream=True).text)[-1]
        assert (name, data["status"]) == ("error", 504)
        gate.set()
        assert stream.closed.wait(5)


def test_while_starting_it_says_so() -> None:
    release = threading.Event()

    def load() -> Any:
        release.wait(5)
        return parts()

    with serving(load=load, wait=False) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "starting")
        assert ready.json()["reasons"]
        for path, body in (
            ("/v1/chat", {"message": "x", "stream": True}),
            ("/v1/search", {"query": "x"}),
            ("/v1/check", {"passages": [], "answer": "x"}),
        ):
            response = client.post(path, json=body)
            assert_problem(response, 503, "starting")
            assert "retry-after" in response.headers
        release.set()


def test_when_ready_it_says_so() -> None:
    with serving() as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": []})


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (lambda: (_ for _ in ()).throw(ModelMissing("no weights at X: fetch them")), "no weights"),
        (lambda: 1 // 0, "ZeroDivisionError"),
        (lambda: parts(retriever=FakeRetriever(())), "no passages"),
        (lambda: parts(guard=FakeGuard(gullible=True)), "invented sentence"),
        (lambda: parts(guard=FakeGuard(fails=ModelMissing("verifier gone"))), "verifier gone"),
    ],
)
def test_what_fails_at_the_start_is_told_and_nothing_is_answered(
    load: Callable[[], Any], reason: str
) -> None:
    with serving(load=load) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "failed")
        assert reason in ready.json()["reasons"][0]
        assert reason in assert_problem(say(client), 503, "not-ready")["detail"]


def test_a_foreseen_error_is_told() -> None:
    stream = FakeStream(error=ModelMissing("the model went away: fetch it"))
    with serving(stream) as client:
        problem = assert_problem(say(client), 503, "model-missing")
    assert problem["detail"] == "the model went away: fetch it"


def test_an_unforeseen_error_says_nothing_and_is_logged_without_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(FakeStream(error=ValueError(SECRET))) as client:
        response = say(client, SECRET)
        problem = assert_problem(response, 500, "internal")
        streamed = events(say(client, SECRET, stream=True).text)
        kept = client.get(f"/v1/conversations/{streamed[0][1]['conversation_id']}").json()
    assert [name for name, _ in streamed] == ["status", "sentence", "error"]
    assert SECRET not in response.text
    assert SECRET not in caplog.text
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["instance"] in caplog.text
    assert "ValueError" in caplog.text
    assert kept["turns"] == []


def test_a_pipeline_without_a_reply_is_an_error() -> None:
    def stream(question: str, state: Any, **given: Any) -> Any:
        return FakeStream()(question, state) if state.conversation_id == "self-test" else iter(())

    with serving(stream) as client:
        assert_problem(say(client), 500, "internal")


def test_a_client_that_goes_away_stops_the_generation() -> None:
    gate, begun = threading.Event(), threading.Event()
    stream = FakeStream("One.", "Two.", "Three.", gate=gate, before=begun.set)
    app = create_app(parts, ServiceConfig(resume_s=0), stream=stream)

    async def converse() -> None:
        sent: list[Any] = []
        gone = asyncio.Event()
        messages = [{"type": "http.request", "body": b'{"message":"x","stream":true}'}]

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if b"status" in message.get("body", b""):
                await asyncio.to_thread(begun.wait, 5)
                gone.set()

        async with app.router.lifespan_context(app):
            while app.state.service.readiness.status == "starting":
                await asyncio.sleep(0.01)
            await asyncio.wait_for(app(_scope(), receive, send), 5)
            gate.set()
            while app.state.service.replies._jobs:
                await asyncio.sleep(0.01)
        assert not any(b"One." in message.get("body", b"") for message in sent)

    asyncio.run(converse())
    assert stream.said == ["One."]
    assert stream.closed.is_set()


def test_the_status_comes_while_the_reply_is_made() -> None:
    gate = threading.Event()
    app = create_app(parts, ServiceConfig(), stream=FakeStream(gate=gate))

    async def converse() -> float:
        first: list[float] = []
        messages = [{"type": "http.request", "body": b'{"message":"x","stream":true}'}]

        async def receive() -> Any:
            return messages.pop() if messages else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            if b"looking it up" in message.get("body", b""):
                first.append(time.monotonic() - began)
                gate.set()

        async with app.router.lifespan_context(app):
            while app.state.service.readiness.status == "starting":
                await asyncio.sleep(0.01)
            began = time.monotonic()
            await asyncio.wait_for(app(_scope(), receive, send), 5)
        return first[0]

    assert asyncio.run(converse()) < 1.0  # 0.1 on a quiet machine; this one is shared


def _scope() -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "method": "POST",
        "path": "/v1/chat", "raw_path": b"/v1/chat", "query_string": b"", "root_path": "",
        "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80), "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
