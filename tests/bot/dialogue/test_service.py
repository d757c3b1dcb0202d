"""Flows over HTTP: the service keeps the state between messages."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from bot.dialogue.step import stream
from bot.service.app import create_app
from bot.service.config import ServiceConfig
from tests.bot.client import assert_problem, say
from tests.bot.dialogue.shop import Shop
from tests.bot.pipeline import QUESTION, QUOTE


@contextmanager
def serving(shop: Shop, **config: Any) -> Iterator[TestClient]:
    known = threading.Event()
    app = create_app(
        lambda: shop.parts, ServiceConfig(**config), stream=stream,  # type: ignore[arg-type]
        told=lambda r: known.set(),
    )  # fmt: skip
    with TestClient(app) as client:
        assert known.wait(60)
        yield client


def test_a_flow_goes_on_from_message_to_message(shop: Shop) -> None:
    with serving(shop, history_turns=2) as client:
        opened = say(client, "where is my order?").json()
        name = opened["conversation_id"]
        assert opened["form"]["fields"][0]["name"] == "order_number"
        said = [
            say(client, message, conversation_id=name).json()
            for message in (
                "FW-20400123", QUESTION, "sam@mail.example", "let me talk to a person", QUESTION
            )
        ]  # fmt: skip
        assert said[1]["text"].startswith(QUOTE)
        assert said[1]["text"].endswith("Which e-mail address did you order with?")
        assert "Dispatched" in said[2]["text"]
        assert {c["kind"] for c in said[2]["citations"]} == {"slot", "action"}
        assert "FW-20400123" in said[3]["handoff"]["summary"]
        assert said[4]["text"] == ""
        kept = client.get(f"/v1/conversations/{name}").json()
    assert kept["mode"] == "person"
    assert [turn["text"] for turn in kept["turns"]][::2][:5] == [
        "where is my order?", "FW-20400123", QUESTION, "sam@mail.example",
        "let me talk to a person",
    ]  # fmt: skip
    assert kept["turns"][-1] == kept["turns"][-1] | {"role": "user", "text": QUESTION}
    assert all(turn["at"] for turn in kept["turns"])


def test_a_conversation_is_given_back_over_http(shop: Shop) -> None:
    boot = {"Authorization": "Bearer boot"}
    with serving(shop, keys=("boot",)) as client:
        client.headers.update(boot)
        name = say(client, "let me talk to a person").json()["conversation_id"]
        path = f"/v1/conversations/{name}/mode"
        assert say(client, QUESTION, conversation_id=name).json()["text"] == ""
        back = client.post(path, json={"mode": "bot"})
        assert back.json() == {"conversation_id": name, "mode": "bot"}
        said = say(client, QUESTION, conversation_id=name).json()
        assert said["text"].startswith(QUOTE)
        assert client.post(path, json={"mode": "person"}).json()["mode"] == "person"
        assert say(client, QUESTION, conversation_id=name).json()["text"] == ""
        kept = client.get(f"/v1/conversations/{name}").json()
        assert kept["mode"] == "person"
        assert_problem(client.post(path, json={"mode": "nobody"}), 422, "invalid")
        lost = client.post("/v1/conversations/nowhere/mode", json={"mode": "person"})
        assert_problem(lost, 404, "unknown-conversation")
        store = client.app.state.service.store  # type: ignore[attr-defined]
        acts = [(e.actor, e.act, e.subject, e.details) for e in store.audit.latest(9)]
        assert acts == [
            ("env:0", "conversation.mode", name, {"mode": "person"}),
            ("env:0", "conversation.mode", name, {"mode": "bot"}),
        ]
        key, _ = store.keys.create("page", ["chat"])
        weak = client.post(path, json={"mode": "bot"}, headers={"Authorization": f"Bearer {key}"})
        assert_problem(weak, 403, "forbidden")


def test_a_callers_profile_is_kept_and_nothing_else_of_the_customer(shop: Shop) -> None:
    user = {"id": "u1", "attributes": {"plan": "Team", "country": "IE", "name": "Kim", "seats": 3}}
    with serving(shop) as client:
        name = say(client, QUESTION, user=user).json()["conversation_id"]
        store = client.app.state.service.store  # type: ignore[attr-defined]
        assert store.conversations.state(name).profile == {"plan": "Team", "country": "IE"}
        say(client, QUESTION, conversation_id=name)
        assert store.conversations.state(name).profile == {"plan": "Team", "country": "IE"}
        assert [need.profile for need in store.needs.latest()] == [
            {"plan": "Team", "country": "IE"}
        ] * 2
