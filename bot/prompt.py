"""The one prompt template that training and serving share."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from bot.types import Turn
from retrieval.types import Passage

SYSTEM = (
    "You answer a customer's question from the passages of the help centre below it. "
    "Use only what they say. Answer in one or two short sentences, with the exact numbers, "
    "names and conditions of the passages."
)
PASSAGE_WORDS = 110
HISTORY_TURNS = 2


def messages(
    question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()
) -> list[BaseMessage]:
    """Builds the chat prompt: system, the last turns, then passages and question."""
    past: list[BaseMessage] = [
        HumanMessage(turn.text) if turn.role == "user" else AIMessage(turn.text)
        for turn in history[-HISTORY_TURNS:]
    ]
    listed = "\n\n".join(f"{p.title}\n{_cut(p.text)}" for p in passages)
    return [SystemMessage(SYSTEM), *past, HumanMessage(f"{listed}\n\nQuestion: {question}")]


def _cut(text: str) -> str:
    """The first `PASSAGE_WORDS` words, whole lines where they fit."""
    lines: list[str] = []
    words = 0
    for line in text.splitlines():
        count = len(line.split())
        if words + count > PASSAGE_WORDS and lines:
            break
        lines.append(" ".join(line.split()[:PASSAGE_WORDS]))
        words += count
    return "\n".join(lines)
