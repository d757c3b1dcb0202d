"""An action has a trustworthy result, or it has failed."""

import json
import time
from typing import Any

import httpx2
import pytest

from bot.dialogue.actions import Caller, signature
from bot.dialogue.errors import ActionFailed, Refused
from bot.dialogue.schema import Action

RESULT = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string"}, "items": {"type": "array", "items": {"type": "string"}},
        "left": {"type": "integer"}, "nested": {"type": "object"},
        "on": {"type": "string", "format": "date"},
    },
}  # fmt: skip
READ = Action(http="GET /orders/{number}", inputs={"email": "{email}"}, result=RESULT)
WRITE = Action(http="POST /orders/{number}/cancel", inputs={"why": "{why}"}, result=RESULT,
               outcomes={"409": "too_late"})  # fmt: skip
GIVEN = {"number": "FW-1/2", "email": "a@b.example"}


class Server:
    """Answers with `answers` in order: a status, an exception, or (status, body)."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[httpx2.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (answer, {"status": "Packing"})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx2.Response(status, content=content)

    def caller(self, **more: Any) -> Caller:
        transport = httpx2.MockTransport(self)
        return Caller(
            url="http://shop.example", transport=transport, sleep=self.waits.append, **more
        )


def test_a_result_becomes_facts() -> None:
    body = {"status": "Packing", "items": ["a", "b"], "left": 3, "nested": {}, "more": "ignored"}
    done = Server((200, body)).caller().call(READ, GIVEN, "k")
    assert done.outcome == "ok"
    assert done.values == {"status": "Packing", "items": ("a", "b"), "left": 3}


def test_a_get_carries_its_inputs_in_the_query_and_quotes_the_path() -> None:
    server = Server(200)
    server.caller().call(READ, GIVEN, "k")
    assert server.seen[0].url.raw_path == b"/orders/FW-1%2F2?email=a%40b.example"


def test_a_post_carries_json_and_its_key_and_leaves_out_what_was_skipped() -> None:
    server = Server(200, 200)
    server.caller().call(WRITE, GIVEN | {"why": "changed"}, "key-1")
    server.caller().call(WRITE, GIVEN, "key-1")
    assert [json.loads(request.content) for request in server.seen] == [{"why": "changed"}, {}]
    assert {request.headers["Idempotency-Key"] for request in server.seen} == {"key-1"}


@pytest.mark.parametrize("passing", [503, 429, httpx2.ConnectError("no"), httpx2.ReadTimeout("x")])
def test_what_may_pass_is_tried_again_with_the_same_key(passing: Any) -> None:
    server = Server(passing, passing, 200)
    assert server.caller().call(WRITE, GIVEN, "k").outcome == "ok"
    assert [request.headers["Idempotency-Key"] for request in server.seen] == ["k"] * 3
    assert len(server.waits) == 2
    assert 0 < server.waits[0] < server.waits[1]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([503] * 3, "HTTP 503"),
        ([httpx2.ConnectError("refused")] * 3, "ConnectError"),
        ([400], "HTTP 400"),
        ([(200, b"<html>")], "expected JSON"),
        ([(200, b"")], "'status' is a required property"),
        ([(200, {"status": 5})], "status: 5 is not of type"),
        ([(200, {"status": "x", "on": "soon"})], "on: 'soon' is not a 'date'"),
        ([(200, ["x"])], "not of type 'object'"),
        ([(200, b"{" + b" " * 1_000_001 + b"}")], "over 1000000"),
    ],
)
def test_no_trustworthy_result_is_a_failure(answers: list[Any], message: str) -> None:
    server = Server(*answers)
    with pytest.raises(ActionFailed, match=message):
        server.caller().call(READ, GIVEN, "k")
    assert server.answers == []


def test_a_declared_status_is_another_outcome() -> None:
    done = Server(409).caller().call(WRITE, GIVEN, "k")
    assert (done.outcome, done.values) == ("too_late", {})


def test_a_path_needs_its_names_and_a_whole_url() -> None:
    with pytest.raises(ActionFailed, match="'number', which isn't known"):
        Server(200).caller().call(READ, {}, "k")
    with pytest.raises(ActionFailed, match=r"set \[bot\] action_url"):
        Caller().call(READ, GIVEN, "k")


def test_requests_are_signed() -> None:
    server = Server(200)
    server.caller(secret="s", clock=lambda: 1000.5).call(WRITE, GIVEN | {"why": "x"}, "k")
    request = server.seen[0]
    path = request.url.raw_path.decode()
    expected = signature("s", 1000, "POST", path, request.content)
    assert (
        expected.items()
        <= {
            "X-Truepenny-Timestamp": request.headers["X-Truepenny-Timestamp"],
            "X-Truepenny-Signature": request.headers["X-Truepenny-Signature"],
        }.items()
    )
    # printf '1.GET./.' | openssl dgst -sha256 -hmac s
    assert signature("s", 1, "GET", "/", b"")["X-Truepenny-Signature"] == (
        "sha256=0accf59cb922ac947a3f32d91533807c2fa56816443adcdbfe7e44ba0917f4e8"
    )


def looked_up(number: str, mood: str = "fine") -> Any:
    if mood == "late":
        raise Refused("too_late")
    if mood == "odd":
        raise Refused("odd")
    if mood == "broken":
        raise ZeroDivisionError
    return {"status": number}


def python(mood: str) -> Action:
    return Action(
        python=f"{__name__}.looked_up", inputs={"number": "{number}", "mood": mood},
        outcomes={"late": "too_late"}, result=RESULT,
    )  # fmt: skip


def test_a_callable_is_an_action_too() -> None:
    assert Caller().call(python("fine"), GIVEN, "k").values == {"status": "FW-1/2"}
    assert Caller().call(python("late"), GIVEN, "k").outcome == "too_late"


@pytest.mark.parametrize(
    ("mood", "message"), [("odd", "undeclared outcome 'odd'"), ("broken", "ZeroDivisionError")]
)
def test_a_callable_that_fails_is_a_failure(mood: str, message: str) -> None:
    with pytest.raises(ActionFailed, match=message):
        Caller().call(python(mood), GIVEN, "k")


@pytest.mark.parametrize("path", ["nowhere.at_all", f"{__name__}.missing", "nodots", "os.sep"])
def test_a_path_without_a_callable_is_a_failure(path: str) -> None:
    with pytest.raises(ActionFailed, match=r"callable"):
        Caller().call(Action(python=path), {}, "k")


def test_a_real_time_out_is_kept(unused_port_that_hangs: str) -> None:
    action = Action(http="GET /", result={}, timeout_s=0.05, retries=1)
    began = time.monotonic()
    with pytest.raises(ActionFailed, match="ReadTimeout"):
        Caller(url=unused_port_that_hangs, sleep=lambda s: None).call(action, {}, "k")
    assert time.monotonic() - began < 2


@pytest.fixture
def unused_port_that_hangs() -> Any:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts, and never answers
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_reading_and_changing_are_told_apart() -> None:
    assert not READ.changes
    assert WRITE.changes
    assert Action(python="a.b").changes
    assert not Action(python="a.b", effect=False).changes
