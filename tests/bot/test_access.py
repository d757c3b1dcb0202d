"""Who may do what: stored keys and their scopes, the widget's tokens, users, limits, origins."""

import hashlib
import hmac
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient

from bot.service.config import SAMPLE_SECRET, ServiceConfig, check_exposure, service_config
from bot.service.gate import NEEDED, RENEWAL_S
from bot.service.keys import Caller
from bot.service.limits import RateLimits, network
from bot.service.problems import ProblemError
from bot.store.config import StoreConfig
from bot.store.store import Store, open_store
from bot.store.types import now
from models.errors import ConfigError
from tests.bot.client import assert_problem, say, serving

SECRET = "a-token-secret-of-at-least-32-bytes!"
IDENTITY = "an-identity-secret-of-at-least-32-b."
SHOP = "https://shop.example"
GUARDED: dict[str, Any] = {
    "keys": ("boot",), "token_secret": SECRET, "identity_secret": IDENTITY,
    "allowed_origins": (SHOP,),
}  # fmt: skip


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(StoreConfig(url="sqlite://"))
    yield opened
    opened.close()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def call(client: TestClient, path: str, body: Any = None, headers: Any = None) -> Any:
    return client.post(path, json=body or {}, headers=headers or {})


def ask_token(client: TestClient, headers: Any = None, **body: Any) -> Any:
    return call(client, "/v1/widget/token", body, headers or {"Origin": SHOP})


def signed(user_id: str, secret: str = IDENTITY) -> dict[str, str]:
    made = hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()
    return {"id": user_id, "hmac": made}


def chat(client: TestClient, token: str, **body: Any) -> Any:
    return call(client, "/v1/chat", {"message": "How long?"} | body, bearer(token))


@pytest.mark.parametrize("scope", ["chat", "search", "check", "admin"])
def test_a_key_opens_what_its_scope_says(store: Store, scope: Any) -> None:
    key, _ = store.keys.create("k", [scope])
    calls: dict[str, tuple[str, Any]] = {
        "chat": ("/v1/chat", {"message": "x"}),
        "search": ("/v1/search", {"query": "x"}),
        "check": ("/v1/check", {"passages": [], "answer": "x"}),
    }
    with serving(store=store) as client:
        for needed, (path, body) in calls.items():
            response = call(client, path, body, bearer(key))
            if needed == scope:
                assert response.status_code == 200
            else:
                assert_problem(response, 403, "forbidden")


def test_the_first_stored_key_closes_the_doors_and_revoking_it_leaves_them_closed(
    store: Store,
) -> None:
    with serving(store=store) as client:
        assert say(client).status_code == 200
        key, info = store.keys.create("k", ["chat"])
        assert_problem(say(client), 401, "unauthorized")
        assert chat(client, key).status_code == 200
        store.keys.revoke(info.id)
        assert_problem(chat(client, key), 401, "unauthorized")
        assert_problem(say(client), 401, "unauthorized")
        assert client.get("/healthz").status_code == 200


def test_a_route_that_nobody_named_needs_admin() -> None:
    with serving(keys=("boot",)) as client:
        assert_problem(call(client, "/v1/new", headers=bearer("boot")), 404, "not-found")
    assert NEEDED[-1] == ("/v1/", "admin")


def test_a_token_opens_one_conversation(store: Store) -> None:
    with serving(**GUARDED) as client:
        mine, other = ask_token(client).json(), ask_token(client).json()
        assert mine["conversation_id"] != other["conversation_id"]
        reply = chat(client, mine["token"]).json()
        assert reply["conversation_id"] == mine["conversation_id"]
        for headers, status in ((bearer(mine["token"]), 200), (bearer("boot"), 200)):
            path = f"/v1/conversations/{mine['conversation_id']}"
            assert client.get(path, headers=headers).status_code == status
        for forbidden in (path, f"{path}/export", "/v1/conversations/unknown"):
            response = client.get(forbidden, headers=bearer(other["token"]))
            assert_problem(response, 403, "forbidden")
        theirs = {"conversation_id": mine["conversation_id"]}
        assert_problem(chat(client, other["token"], **theirs), 403, "forbidden")
        rated = {"reply_id": reply["reply_id"], "rating": "up"}
        refused = call(client, "/v1/feedback", rated, bearer(other["token"]))
        assert_problem(refused, 404, "unknown-reply")
        rating = call(client, "/v1/feedback", rated, bearer(mine["token"]))
        assert rating.status_code == 204
        for path in ("/v1/search", "/v1/check"):
            assert_problem(call(client, path, headers=bearer(mine["token"])), 403, "forbidden")
        path = f"/v1/conversations/{mine['conversation_id']}"
        assert client.delete(path, headers=bearer(mine["token"])).status_code == 204
        assert client.app.state.service.store.audit.latest(9) == []  # type: ignore[attr-defined]


def test_a_token_is_for_listed_pages_and_keys(store: Store) -> None:
    search, _ = store.keys.create("k", ["search"])
    with serving(store=store, **GUARDED) as client:
        assert ask_token(client).status_code == 200
        for origin in ("https://evil.example", "https://shop.example.evil", "null", ""):
            assert_problem(ask_token(client, {"Origin": origin, "X": "1"}), 403, "origin")
        assert ask_token(client, bearer("boot"), conversation_id="c1").json()[
            "conversation_id"
        ] == "c1"  # fmt: skip
        assert_problem(ask_token(client, bearer(search)), 403, "forbidden")
        assert_problem(ask_token(client, bearer("wrong")), 401, "unauthorized")
        assert_problem(ask_token(client, conversation_id="c1"), 403, "forbidden")
    with serving(keys=("boot",)) as client:
        assert_problem(ask_token(client, bearer("boot")), 404, "no-tokens")


def test_an_expired_token_gets_another_one_for_a_day_and_nothing_else() -> None:
    def old(age_s: float) -> str:
        claims = {
            "iss": "truepenny", "aud": "widget", "iat": 0, "exp": time.time() - age_s,
            "conversation_id": "c1", "user_id": None,
        }  # fmt: skip
        return jwt.encode(claims, SECRET, "HS256")

    with serving(**GUARDED) as client:
        assert_problem(chat(client, old(10)), 401, "unauthorized")
        fresh = ask_token(client, bearer(old(10))).json()
        assert fresh["conversation_id"] == "c1"
        assert chat(client, fresh["token"]).status_code == 200
        assert_problem(ask_token(client, bearer(old(RENEWAL_S + 60))), 401, "unauthorized")
        refused = ask_token(client, bearer(old(10)), conversation_id="c2")
        assert_problem(refused, 403, "forbidden")


@pytest.mark.parametrize(
    ("changes", "secret", "algorithm"),
    [
        ({}, "another-secret-of-at-least-32-bytes!!", "HS256"),
        ({}, "", "none"),
        ({"aud": "elsewhere"}, SECRET, "HS256"),
        ({"iss": "elsewhere"}, SECRET, "HS256"),
        ({"conversation_id": 7}, SECRET, "HS256"),
        ({"conversation_id": None}, SECRET, "HS256"),
        ({"user_id": 7}, SECRET, "HS256"),
        ({"exp": None}, SECRET, "HS256"),
    ],
)
def test_a_forged_token_is_none(changes: Any, secret: str, algorithm: str) -> None:
    claims = {
        "iss": "truepenny", "aud": "widget", "iat": time.time(), "exp": time.time() + 60,
        "conversation_id": "c1", "user_id": None,
    } | changes  # fmt: skip
    claims = {name: value for name, value in claims.items() if name != "exp" or value}
    with serving(**GUARDED) as client:
        token = jwt.encode(claims, secret, algorithm)
        assert_problem(chat(client, token), 401, "unauthorized")


def test_a_user_counts_only_with_their_servers_signature() -> None:
    with serving(**GUARDED) as client:
        token = ask_token(client, user=signed("u1")).json()["token"]
        assert chat(client, token, user={"id": "u1"}).status_code == 200
        assert_problem(chat(client, token, user={"id": "u2"}), 403, "unverified-user")
        for wrong in ({"id": "u1"}, signed("u1", "x" * 32), {"id": "u1", "hmac": "ü"}):
            assert_problem(ask_token(client, user=wrong), 403, "unverified-user")
        changed = ask_token(client, bearer(token), user=signed("u2"))
        assert_problem(changed, 403, "unverified-user")
        nobody = ask_token(client).json()["token"]
        assert_problem(chat(client, nobody, user={"id": "u1"}), 403, "unverified-user")
        found = client.app.state.service.store.conversations  # type: ignore[attr-defined]
        assert [info.user_id for info in found.latest()] == ["u1"]


def test_in_development_the_widget_gets_tokens_too() -> None:
    with serving() as client:
        given = ask_token(client, {"Origin": "http://127.0.0.1:3000"}).json()
        assert chat(client, given["token"]).json()["conversation_id"] == given["conversation_id"]
        assert jwt.decode(given["token"], SAMPLE_SECRET, ["HS256"], audience="widget")
        assert say(client).status_code == 200
    with serving(keys=("boot",)) as client:  # then what everybody can sign is none
        assert_problem(chat(client, given["token"]), 401, "unauthorized")


def test_limits_go_by_key_or_by_address(store: Store) -> None:
    key, _ = store.keys.create("k", ["search"])
    limits = {"key_limit": "3/minute", "address_limit": "2/minute"}
    with serving(store=store, **GUARDED, **limits) as client:
        for _ in range(2):
            assert_problem(say(client), 401, "unauthorized")
        problem = say(client)  # guessing is limited too
        assert_problem(problem, 429, "too-many")
        assert 1 <= int(problem.headers["retry-after"]) <= 60
        assert_problem(ask_token(client), 429, "too-many")
        for _ in range(3):
            ok = call(client, "/v1/search", {"query": "x"}, bearer(key))
            assert ok.status_code == 200
        refused = call(client, "/v1/search", {"query": "x"}, bearer(key))
        assert_problem(refused, 429, "too-many")
        ok = call(client, "/v1/search", {"query": "x"}, bearer("boot"))
        assert ok.status_code == 200
        assert client.get("/healthz").status_code == 200


def test_in_development_nothing_is_limited() -> None:
    with serving(key_limit="1/minute", address_limit="1/minute") as client:
        assert {say(client).status_code for _ in range(3)} == {200}


def test_limits_go_on_without_redis(caplog: pytest.LogCaptureFixture) -> None:
    gone = "redis://127.0.0.1:1/0"
    with serving(rate_storage=gone, address_limit="1/minute", **GUARDED) as client:
        assert ask_token(client).status_code == 200
        assert_problem(ask_token(client), 429, "too-many")
    assert "counted in this process" in caplog.text


def test_processes_share_their_limits_in_redis(tmp_path: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis isn't installed: apt-get install redis-server")
    socket = tmp_path / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    caller = Caller(kind="key", id="key:1", scopes=())
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as redis:
        try:
            while not socket.exists():
                time.sleep(0.02)
            config = ServiceConfig(rate_storage=f"redis+unix://{socket}", key_limit="3/minute")
            one, two = RateLimits(config), RateLimits(config)
            for limits in (one, two, one):
                limits.hit(caller, "")
            with pytest.raises(ProblemError, match="too-many"):
                two.hit(caller, "")
            for limits in (one, two):
                limits._shared.storage.storage.close()
        finally:
            redis.terminate()


def test_what_counts_as_one_address() -> None:
    assert network("192.0.2.7") == "192.0.2.7"
    assert network("::ffff:192.0.2.7") == "192.0.2.7"
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network("testclient") == network("") == "unknown"


def test_wrong_limits_are_told_at_the_start() -> None:
    for wrong in ({"key_limit": "many"}, {"rate_storage": "ftp://x"}):
        with pytest.raises(ConfigError, match="expected"):
            RateLimits(ServiceConfig(**wrong))
    RateLimits(ServiceConfig(key_limit="", address_limit=""))


def test_other_pages_may_call_only_if_they_are_listed() -> None:
    with serving(**GUARDED, frame_ancestors=(SHOP,)) as client:
        asked = {
            "Origin": SHOP, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }  # fmt: skip
        allowed = client.options("/v1/chat", headers=asked)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == SHOP
        refused = client.options("/v1/chat", headers=asked | {"Origin": "https://evil.example"})
        assert refused.status_code == 400
        told = call(client, "/v1/chat", {"message": "x"}, {"Origin": SHOP})
        assert_problem(told, 401, "unauthorized")
        assert told.headers["access-control-allow-origin"] == SHOP  # so that the page can read it
        policy = client.get("/").headers
        assert f"frame-ancestors 'self' {SHOP}" in policy["content-security-policy"]
        assert "x-frame-options" not in policy
    with serving() as client:
        assert "access-control-allow-origin" not in client.get("/", headers=asked).headers
        assert client.get("/").headers["x-frame-options"] == "SAMEORIGIN"


def test_secrets_come_from_the_environment_and_are_long() -> None:
    given = service_config(
        None,
        {
            "TRUEPENNY_SERVICE_TOKEN_SECRET": SECRET,
            "TRUEPENNY_SERVICE_RATE_STORAGE": "redis://:hush@cache/0",
            "TRUEPENNY_SERVICE_ALLOWED_ORIGINS": f"{SHOP}, http://localhost:3000",
        },
    )
    assert given.token_secret == SECRET
    assert given.allowed_origins == (SHOP, "http://localhost:3000")
    assert "hush" not in repr(given)
    assert SECRET not in repr(given)
    for name in ("TOKEN_SECRET", "IDENTITY_SECRET"):
        with pytest.raises(ConfigError, match="expected at least 32"):
            service_config(None, {f"TRUEPENNY_SERVICE_{name}": "short"})
    for wrong in ("shop.example", "https://shop.example/path", "*", "ftp://x"):
        with pytest.raises(ConfigError, match="allowed_origins"):
            service_config(None, {"TRUEPENNY_SERVICE_ALLOWED_ORIGINS": wrong})


@pytest.mark.parametrize("name", ["token_secret", "identity_secret", "rate_storage"])
def test_secrets_dont_belong_in_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "truepenny.toml"
    path.write_text(f'[service]\n{name} = "redis://:hush@cache/0"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=f"TRUEPENNY_SERVICE_{name.upper()}") as told:
        service_config(path, {})
    assert "hush" not in str(told.value)


def test_the_sample_secret_is_for_development_alone() -> None:
    check_exposure(ServiceConfig(token_secret=SAMPLE_SECRET))
    for exposed in (
        ServiceConfig(token_secret=SAMPLE_SECRET, keys=("k",)),
        ServiceConfig(token_secret=SAMPLE_SECRET, keys=("k",), host="0.0.0.0"),
    ):
        with pytest.raises(ConfigError, match="sample secret"):
            check_exposure(exposed)
    with pytest.raises(ConfigError, match="sample secret"):
        check_exposure(ServiceConfig(token_secret=SAMPLE_SECRET), keys_stored=True)
    check_exposure(ServiceConfig(host="0.0.0.0"), keys_stored=True)


def test_what_keys_do_to_conversations_is_on_the_audit_log(store: Store) -> None:
    key, info = store.keys.create("k", ["chat"], expires_at=now() + timedelta(days=1))
    with serving(store=store) as client:
        chat(client, key, conversation_id="c1")
        client.get("/v1/conversations/c1/export", headers=bearer(key))
        client.delete("/v1/conversations/c1", headers=bearer(key))
        entries = [(e.actor, e.act, e.subject) for e in store.audit.latest(9)]
    assert entries == [
        (f"key:{info.id}", "conversation.erase", "c1"),
        (f"key:{info.id}", "conversation.export", "c1"),
    ]
