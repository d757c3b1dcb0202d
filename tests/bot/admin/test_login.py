"""Who gets in: on this machine without keys anybody, else a key with the scope `admin`."""

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

import bot.admin.sessions
from bot.admin.sessions import COOKIE
from bot.store.store import Store
from bot.store.types import now
from tests.bot.admin.conftest import Client

KEY = "environment-key-" + "x" * 30


def log_in(client: TestClient, key: str, to: str = "/admin/trends", **headers: str) -> Any:
    return client.post("/admin/login", data={"key": key, "to": to}, headers=headers)


def test_without_keys_this_machine_gets_in(client: Client) -> None:
    asking = client()
    assert asking.get("/admin").status_code == 200
    assert asking.get("/admin/login").headers["location"] == "/admin"


def test_not_under_another_name(client: Client) -> None:
    """A page whose name was made to stand for 127.0.0.1, or a proxy without keys behind it."""
    response = client().get("/admin", headers={"Host": "rebound.example"})
    assert response.status_code == 303
    assert "Conversations" not in response.text


def test_a_key_opens_what_was_asked_for_and_is_noted(store: Store, client: Client) -> None:
    key, info = store.keys.create("support", ["admin"])
    asking = client()
    sent = asking.get("/admin/trends")
    assert (sent.status_code, sent.headers["location"]) == (303, "/admin/login?to=/admin/trends")
    assert 'value="/admin/trends"' in asking.get(sent.headers["location"]).text
    response = log_in(asking, key)
    assert (response.status_code, response.headers["location"]) == (303, "/admin/trends")
    cookie = response.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/admin", "Max-Age=3600"} <= set(cookie.split("; "))
    assert key.rpartition("_")[2] not in cookie
    assert asking.get("/admin/trends").status_code == 200
    [entry] = store.audit.latest(5)
    assert (entry.actor, entry.act) == (f"key:{info.id}", "admin.login")


def test_over_https_the_cookie_is_secure(store: Store, client: Client) -> None:
    asking = client(keys=[KEY])
    asking.base_url = asking.base_url.copy_with(scheme="https")
    assert "; Secure" in log_in(asking, KEY).headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "wrong", "tp_0123456789ab_wrong", "ключ", "a.b.c"])
def test_a_wrong_key_stays_out(key: str, store: Store, client: Client) -> None:
    asking = client(keys=[KEY])
    response = log_in(asking, key)
    assert response.status_code == 401
    assert "isn’t a valid key" in response.text
    assert "set-cookie" not in response.headers
    assert asking.get("/admin").status_code == 303
    assert store.audit.latest(5) == []


def test_a_key_with_another_scope_stays_out(store: Store, client: Client) -> None:
    key, _ = store.keys.create("help desk", ["chat"])
    response = log_in(client(), key)
    assert response.status_code == 403
    assert "scope" in response.text


def test_the_api_takes_no_cookie(store: Store, client: Client) -> None:
    asking = client(keys=[KEY])
    log_in(asking, KEY)
    assert asking.get("/v1/conversations/c1").status_code == 401


def test_a_revoked_key_ends_the_log_in(store: Store, client: Client) -> None:
    key, info = store.keys.create("support", ["admin"])
    asking = client()
    log_in(asking, key)
    assert asking.get("/admin").status_code == 200
    store.keys.revoke(info.id)
    assert asking.get("/admin").status_code == 303


def test_a_log_in_runs_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = client(keys=[KEY])
    monkeypatch.setattr(bot.admin.sessions, "now", lambda: now() - timedelta(minutes=61))
    assert log_in(asking, KEY).status_code == 303
    monkeypatch.undo()
    assert asking.get("/admin").status_code == 303


def test_a_cookie_of_another_set_of_keys_or_a_widget_token_is_none(client: Client) -> None:
    from bot.service.tokens import issue_token

    secret = "s" * 40
    first = client(keys=[KEY], token_secret=secret)
    cookie = log_in(first, KEY).cookies[COOKIE]
    assert first.get("/admin").status_code == 200
    second = client(keys=["another-" + KEY], token_secret=secret)
    for given in (cookie, issue_token("c1", None, secret, 5)[0], json.dumps({"sub": "env:0"})):
        second.cookies.set(COOKIE, given, domain="127.0.0.1", path="/admin")
        assert second.get("/admin").status_code == 303
        second.cookies.clear()


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/admin/../v1", "", "/"])
def test_it_leads_nowhere_else(to: str, client: Client) -> None:
    assert log_in(client(keys=[KEY]), KEY, to).headers["location"] == "/admin"


@pytest.mark.parametrize("path", ["/admin/login", "/admin/logout"])
def test_a_form_of_another_site_is_refused(path: str, client: Client) -> None:
    asking = client(keys=[KEY])
    headers = {"Sec-Fetch-Site": "cross-site"}
    response = asking.post(path, data={"key": KEY}, headers=headers)
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_logging_out(client: Client) -> None:
    asking = client(keys=[KEY])
    log_in(asking, KEY)
    response = asking.post("/admin/logout", data={})
    assert response.headers["location"] == "/admin/login"
    assert asking.get("/admin").status_code == 303


def test_guessing_is_limited(client: Client) -> None:
    asking = client(keys=[KEY], address_limit="3/minute")
    assert [log_in(asking, "guess").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert log_in(asking, KEY).status_code == 429


def test_a_form_with_too_many_fields_is_refused(client: Client) -> None:
    body = "&".join(f"k{n}=1" for n in range(50))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client(keys=[KEY]).post("/admin/login", content=body, headers=headers).status_code == 422
