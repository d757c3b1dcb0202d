"""Hostile requests: each is refused as documented, or taken as the plain text that it is."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient

from bot.store.types import now
from tests.bot.client import assert_problem, serving
from tests.bot.service.server import listening

TOKEN_SECRET = "0123456789abcdef0123456789abcdef-of-these-tests"
JSON = {"Content-Type": "application/json"}
KEY = {"Authorization": "Bearer key", **JSON}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with serving(keys=("key",), token_secret=TOKEN_SECRET, address_limit="") as made:
        yield made


def token(conversation_id: str = "mine", secret: str = TOKEN_SECRET, **changes: Any) -> str:
    claims: dict[str, Any] = {
        "iss": "truepenny", "aud": "widget", "iat": now(), "exp": now() + timedelta(minutes=5),
        "conversation_id": conversation_id, "user_id": None,
    }  # fmt: skip
    return jwt.encode(claims | changes, secret, "HS256")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "javascript:alert(1)",
        "{{7*7}} ${7*7} <%= 7*7 %>",
        "'; DROP TABLE messages; --",
        "\u202egnp.exe \u2066hidden\u2069",
        "x" * 10_000,
        "%00%0d%0aSet-Cookie: a=b",
    ],
)
def test_hostile_text_is_text(client: TestClient, text: str) -> None:
    body = {"message": text, "conversation_id": f"hostile-{abs(hash(text))}"}
    response = client.post("/v1/chat", json=body, headers=KEY)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    kept = client.get(f"/v1/conversations/{body['conversation_id']}", headers=KEY).json()
    assert kept["turns"][0]["text"] == text


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        ("[" * 60_000, 400, "not-json"),
        ('{"message": "x", "user": ' + '{"id": ' * 5_000, 400, "not-json"),
        ('{"message": ' + "9" * 50_000 + "}", 400, "not-json"),
        (json.dumps({"message": "x" * 70_000}), 413, "too-large"),
        (json.dumps({"message": "x" * 10_001}), 422, "invalid"),
        ('{"message": "x", "message": {"$ne": 1}}', 422, "invalid"),
        ('{"message": "x", "__proto__": {"admin": true}}', 422, "invalid"),
        ('{"message": "\\ud800"}', 422, "invalid"),
        ('{"message": "x", "conversation_id": "../../etc/passwd"}', 422, "invalid"),
        ('{"message": "x", "channel": "a\\nb"}', 422, "invalid"),
        ('{"message": NaN}', 422, "invalid"),
        (b"\xff\xfe{}", 400, "not-json"),
    ],
)
def test_hostile_bodies_are_refused(
    client: TestClient, content: Any, status: int, kind: str
) -> None:
    assert_problem(client.post("/v1/chat", content=content, headers=KEY), status, kind)


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"Content-Type": "text/html"}, 415, "not-json"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415, "not-json"),
        ({"Content-Type": "application/jsonp"}, 415, "not-json"),
        ({"Content-Length": "9" * 30}, 413, "too-large"),
        ({"Authorization": "Bearer key\x00"}, 401, "unauthorized"),
        ({"Authorization": "Basic a2V5"}, 401, "unauthorized"),
        ({"Authorization": "Bearer " + "k" * 5_000}, 401, "unauthorized"),
        ({"Authorization": "Bearer ключ".encode()}, 401, "unauthorized"),
    ],
)
def test_hostile_headers_are_refused(
    client: TestClient, headers: Any, status: int, kind: str
) -> None:
    sent = {
        k.encode(): v if isinstance(v, bytes) else v.encode() for k, v in (KEY | headers).items()
    }
    response = client.post("/v1/chat", content=b'{"message": "x"}', headers=sent)
    assert_problem(response, status, kind)


@pytest.mark.parametrize(
    "path",
    [
        "/page/../../app.py",
        "/page/..%2f..%2fapp.py",
        "/page/%2e%2e/%2e%2e/app.py",
        "/docs/..%2f..%2fconfig.py",
        "/widget/texts/..%2f..%2fmain.json",
        "//evil.example/%2f..",
    ],
)
def test_hostile_paths_lead_nowhere(client: TestClient, path: str) -> None:
    response = client.get(path, headers=KEY, follow_redirects=False)
    assert response.status_code == 404
    assert "import" not in response.text


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (token("other"), 403),
        (token(exp=now() - timedelta(minutes=1)), 401),
        (token(secret="f" * 40), 401),
        (token(iss="somebody"), 401),
        (token(aud="admin"), 401),
        (token(conversation_id=None), 401),  # type: ignore[arg-type]
        (token() + "x", 401),
        (jwt.encode({"conversation_id": "mine"}, None, "none"), 401),
    ],
)
def test_another_conversation_is_closed(client: TestClient, given: str, status: int) -> None:
    client.post("/v1/chat", json={"message": "x", "conversation_id": "mine"}, headers=KEY)
    headers = {"Authorization": f"Bearer {given}"}
    for path in ("/v1/conversations/mine", "/v1/conversations/mine/export"):
        response = client.get(path, headers=headers)
        assert_problem(response, status, "forbidden" if status == 403 else "unauthorized")


def test_a_slow_body_holds_nobody_else_up() -> None:
    head = (
        b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 60000\r\n\r\n{"message": "'
    )
    with listening() as url:
        host, port = url.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(20)]
        for each in slow:
            each.sendall(head)
        with socket.create_connection((host, int(port))) as quick:
            began = time.monotonic()
            quick.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in quick.recv(4096)
            assert time.monotonic() - began < 5
        for each in slow:
            each.close()
