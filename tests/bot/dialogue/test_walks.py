"""Random walks over the shop's flows: no dead end, no exception, no action without its yes."""

import json
import logging
import random
from collections.abc import Callable

import httpx2
import pytest
from pydantic import TypeAdapter

from bot.dialogue.actions import Caller
from bot.dialogue.handoff import given_back
from bot.dialogue.step import step
from bot.types import Reply, State
from examples.orders.orders import Orders, TooLate, Unknown
from tests.bot.dialogue.shop import FLOWS, NOW, dialogue_parts, flows_in
from tests.bot.pipeline import QUESTION

MESSAGES = (
    "where is my order?", "I want to cancel my order", "I want to return something",
    "I gave the wrong address", "cancel FW-20418834 please", "where is FW-20400123",
    "FW-20418833", "20418834", "FW-20400123 or FW-20390456", "FW-99999999", "fw 20390456",
    "sam@mail.example", "it's sam@mail.example", "kim@mail.example", "not@@mail",
    "yes", "yes please", "no", "no, the second order", "no, I mean FW-20418833", "not yet",
    "yes but not the boots", "ok", "maybe", "the order number is wrong", "the e-mail is wrong",
    "skip", "I don't know", "never mind", "later", "go on", "back to the return", "try again",
    "by mistake", "the boots", "the second one", "too small", "damaged", "refund", "credit",
    "12 Hill Road, Dunbrack", "send it to 5 Main Street", QUESTION, f"FW-20418833. {QUESTION}",
    "What colour is the accountant's bicycle?", "hello", "thanks", "let me talk to a person",
    "another order", "my other order", "", "???", "你好", "x" * 3000, "1", "45", "tomorrow",
    "\u200b",
)  # fmt: skip
STARTS = MESSAGES[:6]
WILLING = {
    "order number?": ("FW-20418833", "FW-20418834", "FW-20390456", "FW-20400123"),
    "e-mail address did": ("sam@mail.example",),
    "Why would you like": ("by mistake", "found it cheaper", "skip"),
    "Which item": ("the boots", "Merino socks", "the first"),
    "Why do you send it back": ("too small", "not as expected"),
    "refund or store credit?": ("refund", "store credit"),
    "new delivery address?": ("12 Hill Road, Dunbrack",),
    "or try again?": ("Try again", "Talk to a person"),
    "Shall I": ("yes", "yes please", "no"),
    "Have you got it?": ("yes", "no"),
}
ADAPTER = TypeAdapter(State)
PARTS = dialogue_parts(flows_in(FLOWS))


class Server:
    """The order service without its web layer; it is down now and then, at times after the deed."""

    def __init__(self, dice: random.Random) -> None:
        self.orders = Orders(NOW)
        self.dice = dice
        self.down = 0
        self.keys: list[str] = []
        self.done: dict[str, httpx2.Response] = {}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if not self.down and self.dice.random() < 0.15:
            self.down = self.dice.randint(1, 4)  # four outlast the retries
        elif self.down:
            self.down -= 1
        if self.down and self.dice.random() < 0.4:
            return httpx2.Response(503)
        made = self.once(request)
        if self.down:
            raise httpx2.ReadTimeout("lost on the way")
        return httpx2.Response(made.status_code, content=made.content)

    def once(self, request: httpx2.Request) -> httpx2.Response:
        """The first answer for a key."""
        key = request.headers["Idempotency-Key"]
        if request.method == "GET":
            return self.answer(request)
        if key not in self.done:
            self.keys.append(key)
            self.done[key] = self.answer(request)
        return self.done[key]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        _, _, number, *rest = request.url.path.split("/")
        try:
            if not rest:
                body = self.orders.find(number, request.url.params["email"])
            else:
                given = json.loads(request.content)
                work: dict[str, Callable[[], dict[str, object]]] = {
                    "cancel": lambda: self.orders.cancel(number, given["email"]),
                    "address": lambda: self.orders.move(number, given["email"], given["address"]),
                    "returns": lambda: self.orders.take_back(number, given["email"], given["item"]),
                }
                body = work[rest[0]]()
        except Unknown:
            return httpx2.Response(404)
        except TooLate:
            return httpx2.Response(409)
        return httpx2.Response(200, json=body)


def walk(seed: int, turns: int = 12) -> list[str]:
    """One walk; the actions that changed something."""
    dice = random.Random(seed)
    server = Server(dice)
    caller = Caller(
        url="http://o.example", transport=httpx2.MockTransport(server), sleep=lambda s: None
    )
    made = PARTS["dialogue"]
    parts = PARTS | {"dialogue": type(made)(
        flows=made.flows, reader=made.reader, caller=caller, today=made.today)}  # fmt: skip
    state, reply = State(conversation_id=f"walk-{seed}"), None
    yeses = 0
    for _ in range(dice.randint(2, turns)):
        message = said_next(dice, reply)
        state, reply = step(state, message, parts)  # type: ignore[arg-type]
        yeses += any(line.startswith("set_slot sure=yes") for line in reply.trace)
        assert_sound(state, reply)
        if state.mode == "person" and dice.random() < 0.5:
            state = given_back(state)
    assert len(server.keys) == len(set(server.keys))
    assert len(server.keys) <= yeses
    assert len(server.orders.changes) <= len(server.keys)
    assert_no_dead_end(state, parts)
    server.orders.close()
    return server.orders.changes


def said_next(dice: random.Random, reply: Reply | None) -> str:
    """Two times in three what a willing customer says, else anything."""
    if dice.random() < 0.34:
        return dice.choice(MESSAGES)
    asked = [answers for part, answers in WILLING.items() if reply and part in reply.text]
    return dice.choice(asked[0] if asked else STARTS)


def assert_sound(state: State, reply: Reply) -> None:
    assert ADAPTER.validate_json(ADAPTER.dump_json(state)) == state
    silent = state.mode == "person" and reply.handoff is None
    assert bool(reply.text) is not silent
    assert len({frame.flow for frame in state.stack}) == len(state.stack)
    if reply.review:
        assert all(verdict.status == "supported" for verdict in reply.review.verdicts)
    for sentence in reply.sentences:
        assert reply.text[sentence.start : sentence.end] == sentence.text


def assert_no_dead_end(state: State, parts: object) -> None:
    """Wherever a walk stands, the customer can leave, and can have a person."""
    if state.mode == "person":
        return
    _, reply = step(state, "let me talk to a person", parts)  # type: ignore[arg-type]
    assert reply.action == "handoff"
    for _ in range(len(state.stack)):
        state, reply = step(state, "never mind", parts)  # type: ignore[arg-type]
    assert state.stack == ()
    assert reply is not None


def test_some_hundred_walks() -> None:
    changes = [change for seed in range(200) for change in walk(seed)]
    assert {change.split()[0] for change in changes} == {"cancel", "return", "move"}


@pytest.mark.slow
def test_ten_thousand_walks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)  # the failures are many, and meant
    changes = [change for seed in range(10_000) for change in walk(seed)]
    assert {change.split()[0] for change in changes} == {"cancel", "return", "move"}
