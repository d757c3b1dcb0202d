"""Conversations: the port, and one that keeps the latest in memory."""

from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.types import Reply, State, Turn

KEPT_TURNS = 50


class Conversations(Protocol):
    """Where conversations are kept."""

    async def get(self, conversation_id: str) -> State | None:
        """The conversation, None if it isn't known."""
        ...

    async def put(self, state: State) -> None:
        """Keeps a conversation as it is now."""
        ...

    async def delete(self, conversation_id: str) -> bool:
        """Erases a conversation; whether there was one."""
        ...


class MemoryConversations:
    """Keeps the `most` conversations used last, until the process ends."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._states: OrderedDict[str, State] = OrderedDict()

    async def get(self, conversation_id: str) -> State | None:
        """The conversation, now the one used last."""
        if conversation_id in self._states:
            self._states.move_to_end(conversation_id)
        return self._states.get(conversation_id)

    async def put(self, state: State) -> None:
        """Keeps a conversation; the one unused the longest may go for it."""
        turns = state.turns[-KEPT_TURNS:]
        self._states[state.conversation_id] = replace(state, turns=turns)
        self._states.move_to_end(state.conversation_id)
        while len(self._states) > self.most:
            self._states.popitem(last=False)

    async def delete(self, conversation_id: str) -> bool:
        """Erases a conversation."""
        return self._states.pop(conversation_id, None) is not None


async def record(store: Conversations, question: str, asked_at: str, reply: Reply) -> None:
    """Adds a question and its reply, unless the conversation was erased meanwhile."""
    state = await store.get(reply.conversation_id)
    if state is None:
        return
    asked = Turn(role="user", text=question, at=asked_at)
    said = Turn(role="assistant", text=reply.text, at=now(), reply_id=reply.reply_id)
    await store.put(replace(state, turns=(*state.turns, asked, said)))


def conversation_json(state: State) -> dict[str, Any]:
    """A conversation as the contract gives it."""
    return {
        "conversation_id": state.conversation_id,
        "language": state.language,
        "mode": state.mode,
        "turns": [
            {"role": turn.role, "text": turn.text, "at": turn.at, "reply_id": turn.reply_id}
            for turn in state.turns
        ],
    }


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
