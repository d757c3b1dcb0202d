"""The one prompt template that training and serving share."""

from collections.abc import Sequence

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
)

from bot.types import Turn
from retrieval.types import Passage

SYSTEM = (
    "You answer a customer's question from the passages of the help centre below it. "
    "Use only what they say. Answer in one or two short sentences, with the exact numbers, "
    "names and conditions of the passages."
)
REWRITE = "Make the last question stand alone."
PASSAGE_WORDS = 110
HISTORY_TURNS = 2
REWRITE_TURNS, REWRITE_WORDS = 4, 20
_ROLES = {"system": "system", "human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}


def messages(
    question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()
) -> list[BaseMessage]:
    """Builds the chat prompt: system, the last turns, then passages and question."""
    past: list[BaseMessage] = [
        HumanMessage(turn.text) if turn.role == "user" else AIMessage(turn.text)
        for turn in history[-HISTORY_TURNS:]
    ]
    listed = "\n\n".join(f"{p.title}\n{cut(p.text)}" for p in passages)
    return [SystemMessage(SYSTEM), *past, HumanMessage(f"{listed}\n\nQuestion: {question}")]


def rewriting(question: str, history: Sequence[Turn]) -> list[BaseMessage]:
    """Builds the prompt that makes a follow-up question stand alone.

    It is short, since reading it takes most of the time: the last turns, a line each, the first
    words of what the bot said.
    """
    lines = [
        " ".join(turn.text.split() if turn.role == "user" else turn.text.split()[:REWRITE_WORDS])
        for turn in history[-REWRITE_TURNS:]
    ]
    return [SystemMessage(REWRITE), HumanMessage("\n".join([*lines, question]))]


def as_chat(messages: Sequence[BaseMessage], specials: Sequence[str]) -> list[dict[str, str]]:
    """The messages as a chat template takes them.

    A special token that a customer typed is broken up, else the text of a message could end it
    and start one of another role.
    """
    chat = []
    for message in messages:
        role = message.role if isinstance(message, ChatMessage) else _ROLES.get(message.type)
        if role is None:
            raise ValueError(
                f"the embedded generator takes system, human and AI messages, got {message.type!r}"
            )
        text = str(message.text)
        for special in specials:
            text = text.replace(special, f"{special[:1]} {special[1:]}")
        chat.append({"role": role, "content": text})
    return chat


def cut(text: str) -> str:
    """What the generator reads of a passage: `PASSAGE_WORDS` words, whole lines where they fit."""
    lines: list[str] = []
    words = 0
    for line in text.splitlines():
        count = len(line.split())
        if words + count > PASSAGE_WORDS and lines:
            break
        lines.append(" ".join(line.split()[:PASSAGE_WORDS]))
        words += count
    return "\n".join(lines)
