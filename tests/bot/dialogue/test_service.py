"""Flows over HTTP: the service keeps the state between messages."""

import threading

from starlette.testclient import TestClient

from bot.dialogue.step import stream
from bot.service.app import create_app
from bot.service.config import ServiceConfig
from tests.bot.client import say
from tests.bot.dialogue.shop import Shop
from tests.bot.pipeline import QUESTION, QUOTE


def test_a_flow_goes_on_from_message_to_message(shop: Shop) -> None:
    known = threading.Event()
    config = ServiceConfig(history_turns=2)
    app = create_app(
        lambda: shop.parts, config, stream=stream, told=lambda r: known.set()  # type: ignore[arg-type]
    )  # fmt: skip
    with TestClient(app) as client:
        assert known.wait(5)
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
