"""Who and what the service lets in: keys, bodies, paths, headers, the page."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.serve import address
from bot.service.config import ServiceConfig, check_exposure, service_config
from models.errors import ConfigError
from tests.bot.client import assert_problem, bearing, say, serving
from tests.fakes import FakeStream


def test_without_loopback_there_must_be_keys() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        check_exposure(ServiceConfig(host=host))
    for host in ("0.0.0.0", "::", "", "192.168.1.5", "shop.example"):
        with pytest.raises(ConfigError, match="TRUEPENNY_SERVICE_KEYS"):
            check_exposure(ServiceConfig(host=host))
        check_exposure(ServiceConfig(host=host, keys=("k",)))


def test_keys_come_from_the_environment_only(tmp_path: Path) -> None:
    path = tmp_path / "truepenny.toml"
    path.write_text("[service]\nport = 9000\n", encoding="utf-8")
    config = service_config(path, {"TRUEPENNY_SERVICE_KEYS": "one, two,"})
    assert (config.keys, config.port) == (("one", "two"), 9000)
    assert "one" not in repr(config)
    path.write_text('[service]\nkeys = ["one"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="environment"):
        service_config(path, {})


def test_with_keys_the_api_asks_for_one() -> None:
    with serving(keys=("secret-1", "schlüssel")) as client:
        for header in (None, "Bearer nope", "Basic secret-1", "Bearer", "Bearer sécret"):
            response = client.post("/v1/chat", content=b"{", headers=bearing(header))
            assert_problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"
        assert_problem(client.get("/v1/conversations/x"), 401, "unauthorized")
        for key in ("secret-1", "schlüssel"):
            body = {"message": "hi"}
            response = client.post("/v1/chat", json=body, headers=bearing(f"Bearer {key}"))
            assert response.status_code == 200
        for path in ("/", "/page/page.js", "/healthz", "/readyz"):
            assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": " \n\t "}, "message"),
        ({"message": "\u0000\u0007"}, "message"),
        ({"message": "x" * 20_000}, "message"),
        ({"message": "\ud800"}, "message"),
        ({"message": "x", "channel": "\udfff"}, "channel"),
        ({"message": "x", "\ud800": 1}, "body"),
        ({"message": 7}, "message"),
        ({"message": ["x"]}, "message"),
        ({"message": "x", "stream": "yes"}, "stream"),
        ({"message": "x", "sesion": 1}, "sesion"),
        ({"message": "x", "conversation_id": "../etc"}, "conversation_id"),
        ({"message": "x", "user": {"name": "A"}}, "user.id"),
        ([], "body"),
        ("x", "body"),
    ],
)
def test_a_wrong_body_names_the_field(body: Any, field: str) -> None:
    with serving() as client:
        text = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        response = client.post("/v1/chat", content=text, headers=headers)
    problem = assert_problem(response, 422, "invalid")
    assert field in [error["field"] for error in problem["errors"]]
    assert "x" * 100 not in response.text


def test_control_characters_are_taken_out() -> None:
    stream = FakeStream()
    with serving(stream) as client:
        assert say(client, "  How\u0000 long\u001b?\r\nPlease\u0085 ").status_code == 200
    assert stream.seen[0][0] == "How long?\nPlease"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "not-json", 400),
        (b"", "invalid", 422),
        (b'{"message": "\xff\xfe"}', "bad-request", 400),
        (b'{"message": ' + b"[" * 30_000, "not-json", 400),
        (b'{"message": "' + b"x" * 100_000 + b'"}', "too-large", 413),
    ],
)
def test_a_broken_body_is_a_clear_problem(content: bytes, kind: str, status: int) -> None:
    with serving() as client:
        headers = {"Content-Type": "application/json"}
        response = client.post("/v1/chat", content=content, headers=headers)
        assert response.headers["content-type"] == "application/problem+json"
        assert response.status_code == status
        if kind != "bad-request" and not content.endswith(b"["):
            assert_problem(response, status, kind)
        assert say(client).status_code == 200


def test_a_body_of_unknown_length_is_limited_too() -> None:
    with serving(max_body_bytes=1024) as client:
        headers = {"Content-Type": "application/json"}
        chunks = iter([b'{"message": "', *[b"x" * 500] * 5, b'"}'])
        response = client.post("/v1/chat", content=chunks, headers=headers)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


def test_other_kinds_of_body_unknown_paths_and_methods() -> None:
    with serving() as client:
        assert_problem(client.post("/v1/chat", data={"message": "x"}), 415, "not-json")
        assert_problem(client.get("/nothing"), 404, "not-found")
        assert_problem(client.get("/page/../app.py"), 404, "not-found")
        response = client.get("/v1/chat")
        assert_problem(response, 405, "method-not-allowed")
        assert response.headers["allow"] == "POST"
        for path in ("/v1/search", "/v1/check"):
            assert_problem(client.post(path, json={"k": 0}), 422, "invalid")


def test_the_page_and_its_headers() -> None:
    with serving() as client:
        for path, kind in (
            ("/", "text/html"),
            ("/page/page.css", "text/css"),
            ("/page/page.js", "javascript"),
        ):
            response = client.get(path)
            assert response.status_code == 200
            assert kind in response.headers["content-type"]
            policy = response.headers["content-security-policy"]
            assert policy.startswith("default-src 'self';")
            assert "frame-ancestors 'self'" in policy
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["referrer-policy"] == "no-referrer"
        assert client.get("/nothing").headers["x-content-type-options"] == "nosniff"
        page = client.get("/").text
        scripts = [client.get(path).text for path in ("/page/page.js", "/widget.js")]
    assert "style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=")
    assert not any("innerHTML" in script for script in scripts)


def test_the_address_can_be_opened() -> None:
    assert address("127.0.0.1", 8080) == "http://127.0.0.1:8080/"
    assert address("0.0.0.0", 80) == "http://127.0.0.1:80/"
    assert address("::1", 80) == "http://[::1]:80/"
