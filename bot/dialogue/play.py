"""Plays written conversations against the flows: a support team's own tests.

A file holds `[[conversations]]`, each with a `name`, its `turns` (`user`, and what must come of
it), and the `actions` that must have been carried out, in order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from bot.dialogue.flows import read_toml
from bot.dialogue.handoff import given_back
from bot.dialogue.parts import DialogueParts
from bot.dialogue.schema import Node
from bot.dialogue.step import step
from bot.types import Action, Reply, State


class Expected(Node):
    """A message, and what its reply must be. `says` are parts of its text, `flow` what is open."""

    user: str
    action: Action | None = None
    says: tuple[str, ...] = ()
    flow: str | None = None


class Conversation(Node):
    """A conversation; `actions` are those that came to "ok", in order."""

    name: str
    turns: tuple[Expected, ...] = Field(min_length=1)
    actions: tuple[str, ...] | None = None


class ConversationFile(Node):
    """A file of conversations."""

    conversations: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a conversation went."""

    name: str
    problems: tuple[str, ...]
    actions: tuple[str, ...]
    transcript: tuple[tuple[str, str], ...]


def load_conversations(path: Path) -> tuple[Conversation, ...]:
    """Reads a file of conversations.

    Raises:
        FlowError: It can't be read, or isn't one.
    """
    return read_toml(path, ConversationFile).conversations


def play(
    conversation: Conversation,
    parts: DialogueParts,
    told: Callable[[str, Reply], None] = lambda message, reply: None,
) -> Played:
    """Holds a conversation. `told` hears each message and its reply."""
    state = State(conversation_id=f"play-{conversation.name}")
    problems: list[str] = []
    for expected in conversation.turns:
        if state.mode == "person":
            state = given_back(state)
        state, reply = step(state, expected.user, parts)
        told(expected.user, reply)
        problems += _problems(expected, reply, state)
    done = tuple(r.action for r in state.facts if r.outcome == "ok")
    if conversation.actions is not None and done != conversation.actions:
        problems.append(f"actions: expected {conversation.actions}, got {done}")
    texts = tuple((turn.role, turn.text) for turn in state.turns)
    return Played(name=conversation.name, problems=tuple(problems), actions=done, transcript=texts)


def _problems(expected: Expected, reply: Reply, state: State) -> list[str]:
    found: list[tuple[str, Any, Any]] = []
    if expected.action and reply.action != expected.action:
        found.append(("action", expected.action, reply.action))
    if expected.flow is not None and (state.flow or "") != expected.flow:
        found.append(("flow", expected.flow, state.flow))
    found += [("says", part, reply.text) for part in expected.says if part not in reply.text]
    return [f"{expected.user!r}: {what}: expected {a!r}, got {b!r}" for what, a, b in found]
