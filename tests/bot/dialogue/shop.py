"""The sample shop in memory: its flows, its order service, a small help centre, no models."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx2
from starlette.testclient import TestClient

from bot.dialogue.actions import Caller
from bot.dialogue.flows import Flows, load_flows
from bot.dialogue.parts import DialogueParts, make_dialogue
from bot.dialogue.step import step
from bot.policy import BotConfig
from bot.types import Reply, State
from examples.orders.app import create_app
from examples.orders.orders import Orders
from tests.bot.pipeline import pipeline
from tests.fakes import FakeEmbedder

ROOT = Path(__file__).parents[3]
FLOWS = ROOT / "examples/flows"
TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 12, 0)
SECRET = "only-for-tests"


class AppTransport(httpx2.BaseTransport):
    """Requests go to an ASGI app in this process; `seen` are all of them."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.seen: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        path = request.url.raw_path.decode()
        headers = dict(request.headers)
        got = self.client.request(request.method, path, headers=headers, content=request.read())
        return httpx2.Response(got.status_code, content=got.content)


@dataclass
class Shop:
    """The parts of a dialogue over the sample shop, and what happened there."""

    parts: DialogueParts
    orders: Orders
    transport: AppTransport
    failing: list[int] = field(default_factory=list)

    def talk(self, *messages: str, state: State | None = None) -> tuple[State, list[Reply]]:
        """A conversation; its state at the end and all replies."""
        state = state or State(conversation_id="c1")
        replies = []
        for message in messages:
            state, reply = step(state, message, self.parts)
            replies.append(reply)
        return state, replies


@contextmanager
def open_shop(**pipe: Any) -> Iterator[Shop]:
    """The shop with the flows of examples/flows; `pipe` changes the answering pipeline."""
    orders, failing = Orders(NOW), list[int]()
    app = create_app(orders, SECRET, fail=lambda: failing.pop(0) if failing else 0)
    with TestClient(app) as client:
        transport = AppTransport(client)
        caller = Caller(
            url="http://orders.example", secret=SECRET, transport=transport, sleep=lambda s: None
        )
        parts = dialogue_parts(flows_in(FLOWS), caller, **pipe)
        yield Shop(parts=parts, orders=orders, transport=transport, failing=failing)
    orders.close()


flows_in = lru_cache(load_flows)  # what was read can't change


def dialogue_parts(flows: Flows, caller: Caller | None = None, **pipe: Any) -> DialogueParts:
    """Parts over any flows, with a fixed day."""
    made = make_dialogue(flows, FakeEmbedder(), BotConfig(), caller or Caller())
    return DialogueParts(**pipeline(**pipe), dialogue=replace(made, today=lambda: TODAY))


def texts(replies: list[Reply]) -> list[str]:
    return [reply.text for reply in replies]
