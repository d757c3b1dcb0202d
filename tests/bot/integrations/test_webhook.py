"""The signed webhook in both directions, by the Standard Webhooks' own example."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, select

from bot.integrations.config import IntegrationsConfig, integrations_config
from bot.integrations.errors import NotDelivered
from bot.integrations.posting import post
from bot.integrations.signatures import standard_key, standard_signature
from bot.integrations.webhook import Webhook
from bot.store.config import StoreConfig
from bot.store.schema import OutboxRow
from bot.store.store import Store, open_store
from bot.store.types import Delivery
from bot.types import Reply, Sentence, State
from models.errors import ConfigError
from tests.bot.client import assert_problem, serving
from tests.fakes import FakeStream, make_reply

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONFIG = IntegrationsConfig(webhook_url="http://127.0.0.1:1/in", webhook_secret=SECRET)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(StoreConfig(url="sqlite://"))
    yield opened
    opened.close()


def call(client: Any, event_id: str, secret: str = SECRET, age: int = 0, **body: Any) -> Any:
    content, at = json.dumps(body).encode(), str(int(time.time()) - age)
    signature = standard_signature(standard_key(secret), event_id, at, content)
    headers = {
        "Content-Type": "application/json", "webhook-id": event_id, "webhook-timestamp": at,
        "webhook-signature": f"v1,of-the-old-secret {signature}",
    }  # fmt: skip
    return client.post("/integrations/webhook/webhook", content=content, headers=headers)


def message(client: Any, event_id: str = "e1", **more: Any) -> Any:
    body = {"type": "message", "conversation_id": "k1", "message": "How long?"} | more
    return call(client, event_id, **body)


def queued(store: Store) -> list[Delivery]:
    """What is to be sent, once it is there; the address is closed, so nothing leaves."""
    for _ in range(500):
        with store.database.read() as session:
            if rows := session.scalars(select(OutboxRow).order_by(OutboxRow.id)).all():
                return [Delivery(destination=r.destination, payload=r.payload) for r in rows]
        time.sleep(0.01)
    raise AssertionError("nothing is to be sent")


def test_a_signature_is_the_standards_own_example() -> None:
    made = standard_signature(
        standard_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
        b'{"test": 2432232314}',
    )  # fmt: skip
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_gets_a_reply_by_the_outbox(store: Store) -> None:
    stream = FakeStream()
    with serving(stream, store=store, integrations=CONFIG) as client:
        assert message(client).json() == {"status": "accepted"}
        (delivery,) = queued(store)
        assert message(client).json() == {"status": "repeated"}
    assert delivery.destination == "webhook"
    assert delivery.payload["type"] == "reply"
    assert delivery.payload["conversation_id"] == "k1"
    assert delivery.payload["handoff"] is False
    assert delivery.payload["reply"]["text"] == "You can return items within 45 days."
    assert delivery.payload["reply"]["conversation_id"] == "k1"
    assert len(stream.seen) == 1


def test_it_is_silent_until_it_is_given_back(store: Store) -> None:
    stream = FakeStream()
    with serving(stream, store=store, integrations=CONFIG) as client:
        taken = call(client, "e1", type="taken_over", conversation_id="k1")
        assert taken.json() == {"status": "left_to_a_person"}
        assert message(client, "e2").json() == {"status": "left_to_a_person"}
        (told,) = queued(store)
        assert told.payload == {
            "type": "handoff", "conversation_id": "k1", "handoff": True, "text": "",
        }  # fmt: skip
        with store.database.write() as session:
            session.execute(delete(OutboxRow))  # as if it had arrived
        back = call(client, "e3", type="given_back", conversation_id="k1")
        assert back.json() == {"status": "accepted"}
        assert message(client, "e4").json() == {"status": "accepted"}
        assert queued(store)[0].payload["type"] == "reply"
    assert len(stream.seen) == 1


def test_a_handoff_is_marked(store: Store) -> None:
    def stream(question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
        yield make_reply(state, text="A person will help.", action="handoff", cause="policy")

    with serving(stream, store=store, integrations=CONFIG) as client:
        message(client)
        assert queued(store)[0].payload["handoff"] is True
        state = store.conversations.state("webhook:k1")
    assert state is not None
    assert state.mode == "person"


@pytest.mark.parametrize(
    ("more", "status", "kind"),
    [
        ({"secret": "whsec_" + "A" * 32}, 401, "forged"),
        ({"age": 400}, 401, "forged"),
        ({"age": -400}, 401, "forged"),
        ({"type": "order"}, 422, "invalid"),
        ({"conversation_id": "a:b"}, 422, "invalid"),
        ({"conversation_id": "x" * 51}, 422, "invalid"),
        ({"event_id": "x" * 151}, 422, "invalid"),
        ({"more": 1}, 422, "invalid"),
    ],
)
def test_what_is_forged_or_odd_is_refused(more: Any, status: int, kind: str) -> None:
    stream = FakeStream()
    with serving(stream, integrations=CONFIG) as client:
        assert_problem(message(client, **more), status, kind)
    assert stream.seen == []


def test_it_is_sent_signed_and_under_the_same_id_each_time() -> None:
    seen: list[httpx2.Request] = []

    def receive(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(204)

    async def send() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(receive)) as client:
            for clock in (1000.0, 2000.0):
                webhook = Webhook(CONFIG, clock=lambda at=clock: at)  # type: ignore[misc]
                await webhook.send(client, Delivery(id=7, destination="webhook", payload={"a": 1}))

    asyncio.run(send())
    for request, at in zip(seen, ("1000", "2000"), strict=True):
        expected = standard_signature(standard_key(SECRET), "truepenny-7", at, b'{"a": 1}')
        assert request.headers["webhook-signature"] == expected
        assert request.headers["webhook-id"] == "truepenny-7"
        assert request.content == b'{"a": 1}'


@pytest.mark.parametrize(
    ("status", "headers", "final", "after_s"),
    [
        (503, {}, False, 0),
        (429, {"Retry-After": "7"}, False, 7),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, False, 0),
        (503, {"Retry-After": "999999"}, False, 3600),
        (401, {}, False, 0),
        (404, {}, True, 0),
        (301, {"Location": "http://127.0.0.1:2/"}, True, 0),
    ],
)
def test_a_refusal_says_whether_to_try_again(
    status: int, headers: dict[str, str], final: bool, after_s: float
) -> None:
    transport = httpx2.MockTransport(lambda r: httpx2.Response(status, headers=headers))

    async def send() -> None:
        async with httpx2.AsyncClient(transport=transport) as client:
            await post(client, "http://127.0.0.1:1/", b"{}", {})

    with pytest.raises(NotDelivered) as caught:
        asyncio.run(send())
    assert caught.value.reason == f"HTTP {status}"
    assert (caught.value.final, caught.value.after_s) == (final, after_s)


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_AAAA", "whsec_!!", "A" * 40])
def test_a_webhook_needs_a_real_secret(secret: str) -> None:
    with pytest.raises(ConfigError, match="whsec_ and at least 24 bytes"):
        Webhook(IntegrationsConfig(webhook_url="http://127.0.0.1:1", webhook_secret=secret))


def test_secrets_come_from_the_environment_alone(tmp_path: Path) -> None:
    file = tmp_path / "truepenny.toml"
    file.write_text('[integrations]\nchatwoot_url = "https://desk.example/"\n')
    variables = {
        "TRUEPENNY_INTEGRATIONS_CHATWOOT_TOKEN": "t", "TRUEPENNY_INTEGRATIONS_CHATWOOT_SECRET": "s",
    }  # fmt: skip
    config = integrations_config(file, variables)
    assert (config.chatwoot_token, config.chatwoot_secret) == ("t", "s")
    assert config.chatwoot_url == "https://desk.example"
    assert "'t'" not in repr(config)
    file.write_text('[integrations]\nchatwoot_token = "t"\n')
    with pytest.raises(ConfigError, match="TRUEPENNY_INTEGRATIONS_CHATWOOT_TOKEN"):
        integrations_config(file, {})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"CHATWOOT_URL": "http://d"}, "CHATWOOT_TOKEN"),
        ({"CHATWOOT_URL": "http://d", "CHATWOOT_TOKEN": "t"}, "CHATWOOT_SECRET"),
        ({"WEBHOOK_URL": "http://d"}, "WEBHOOK_SECRET"),
    ],
)
def test_a_missing_secret_is_named(given: dict[str, str], missing: str) -> None:
    variables = {f"TRUEPENNY_INTEGRATIONS_{key}": value for key, value in given.items()}
    with pytest.raises(ConfigError, match=f"TRUEPENNY_INTEGRATIONS_{missing}"):
        integrations_config(None, variables)


@pytest.mark.parametrize("address", ["desk.example", "ftp://d", "http://u:p@d", "http://d?x=1"])
def test_an_odd_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="chatwoot_url"):
        integrations_config(None, {"TRUEPENNY_INTEGRATIONS_CHATWOOT_URL": address})
