"""Cue words, and any message at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue import cues
from bot.dialogue.step import step
from bot.types import State
from tests.bot.dialogue.shop import FLOWS, dialogue_parts, flows_in

PARTS = dialogue_parts(flows_in(FLOWS))
BEGUN = step(State(conversation_id="c"), "where is my order?", PARTS)[0]
STATES = (State(conversation_id="c"), BEGUN, step(BEGUN, "FW-1 FW-20400123", PARTS)[0],
          step(BEGUN, "later", PARTS)[0])  # fmt: skip


@pytest.mark.parametrize("text", ["yes", "Yes please!", "ok, go ahead", "that's right", "sure"])
def test_yes(text: str) -> None:
    assert cues.affirmed(text) is True


@pytest.mark.parametrize("text", ["no", "nope", "don't", "no, the second one", "oh no", "wrong"])
def test_no(text: str) -> None:
    assert cues.affirmed(text) is False


@pytest.mark.parametrize(
    "text", ["yes but not the boots", "sure, cancel the other one", "maybe", "yesterday", "", "hm"]
)
def test_neither(text: str) -> None:
    assert cues.affirmed(text) is None


@pytest.mark.parametrize("text", ["never mind", "ok, forget it", "stop", "I changed my mind."])
def test_leaving(text: str) -> None:
    assert cues.cancels(text, task_cancels=True)


def test_cancelling_is_not_leaving_where_it_is_the_task() -> None:
    assert cues.cancels("cancel it", task_cancels=False)
    assert not cues.cancels("cancel it", task_cancels=True)
    assert not cues.cancels("stop my order from being sent", task_cancels=False)


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("how long does it take", True), ("FW-1?", True), ("by the way, can I pay later", True),
        ("the boots", False), ("I can do that", False), ("whatever", False),
    ],
)  # fmt: skip
def test_questions(text: str, is_question: bool) -> None:
    assert cues.asks(text) is is_question


@pytest.mark.parametrize(
    ("text", "count", "place"),
    [
        ("the second one", 3, 1), ("2", 3, 1), ("number 3", 3, 2), ("the last", 3, 2),
        ("the other one", 2, 1), ("the other one", 3, None), ("4", 3, None), ("fourth", 3, None),
        ("secondary", 3, None), ("at last I see that this was my first order with you", 3, None),
    ],
)  # fmt: skip
def test_places(text: str, count: int, place: int | None) -> None:
    assert cues.ordinal(text, count) == place


@given(st.text(max_size=120), st.sampled_from(STATES))
def test_any_message_gets_a_reply(text: str, state: State) -> None:
    after, reply = step(state, text, PARTS)
    assert reply.text
    assert after.turn == state.turn + 1
    assert after.turns[-1].text == reply.text
