"""Questions with their answers, from rows, from conversations, and from the articles themselves."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.types import Turn
from finetune.dataset.exports import read_conversations
from finetune.dataset.rows import Row, read_rows
from finetune.dataset.types import Conversation, Exchange
from finetune.errors import DataError
from retrieval.sentences import is_heading, is_item, is_row, sentence_spans
from retrieval.types import Article, Passage

_QUESTION = re.compile(
    r"^(?:how|what|when|where|why|who|which|can|do|does|is|are|will|may)\b", re.I
)
_LEAD_IN = re.compile(r":\s*$")


def read_exchanges(path: Path) -> list[Exchange]:
    """Reads a question-answer file.

    Rows `{question, answer, article?, passages?: [text or {title, text, id?}], history?:
    [{role, text}], conversation?}`; in a CSV the columns question, answer, article and
    conversation.

    Raises:
        DataError: A row lacks a question or an answer, or the file is no such file.
    """
    return [_exchange(place, row, path.name) for place, row in read_rows(path)]


def read_past(path: Path) -> list[Exchange]:
    """Reads an export of conversations, each answer of an agent with what led to it."""
    return [item for conversation in read_conversations(path) for item in _past(conversation)]


def from_articles(articles: Sequence[Article]) -> Iterator[Exchange]:
    """Titles and headings that ask something, answered by the first sentence below them.

    The answer is verbatim, so it teaches the model to copy what stands there.
    """
    for article in articles:
        if _QUESTION.match(article.title):
            yield from _lead(article, article.title, article.text)
        for heading, body in _sections(article.text):
            if _QUESTION.match(heading):
                yield from _lead(article, heading, body)


def _exchange(place: str, row: Row, source: str) -> Exchange:
    question, answer = row.get("question"), row.get("answer")
    for name, value in (("question", question), ("answer", answer)):
        if not isinstance(value, str) or not value.strip():
            raise DataError(f"{place}: `{name}` must be a text that isn't empty, got {value!r:.80}")
    history = tuple(_turn(place, turn) for turn in _list(place, row, "history"))
    passages = tuple(_passage(place, item) for item in _list(place, row, "passages"))
    return Exchange(
        question=str(question).strip(),
        answer=str(answer).strip(),
        history=history,
        passages=passages,
        article=str(row["article"]) if row.get("article") else None,
        conversation=str(row["conversation"]) if row.get("conversation") else None,
        source=source,
    )


def _list(place: str, row: Row, name: str) -> list[Any]:
    """A list field; in a CSV cell it is JSON."""
    value = row.get(name) or []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    if not isinstance(value, list):
        raise DataError(f"{place}: `{name}` must be a list, got {type(value).__name__}")
    return value


def _turn(place: str, turn: Any) -> Turn:
    if isinstance(turn, dict) and turn.get("role") in ("user", "assistant") and turn.get("text"):
        return Turn(role=turn["role"], text=str(turn["text"]))
    raise DataError(
        f"{place}: a turn of `history` must be {{role: user or assistant, text}}, got {turn!r:.80}"
    )


def _passage(place: str, item: Any) -> Passage:
    row = {"text": item} if isinstance(item, str) else item
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise DataError(f"{place}: a passage must be a text or {{title, text}}, got {item!r:.80}")
    text, title = row["text"], str(row.get("title") or "")
    key = hashlib.sha256(f"{title}\x1f{text}".encode()).hexdigest()[:20]
    return Passage(
        id=str(row.get("id") or key), article_id=str(row.get("article") or row.get("id") or key),
        title=title, headings=(), text=text, start=0, end=len(text),
    )  # fmt: skip


def _past(conversation: Conversation) -> Iterator[Exchange]:
    turns = conversation.turns
    for at in range(1, len(turns)):
        if turns[at].role == "assistant" and turns[at - 1].role == "user":
            yield Exchange(
                question=turns[at - 1].text, answer=turns[at].text, history=turns[: at - 1],
                conversation=conversation.id, source=conversation.source,
                names=conversation.names,
            )  # fmt: skip


def _lead(article: Article, question: str, body: str) -> Iterator[Exchange]:
    for start, end in sentence_spans(body, article.language):
        unit = body[start:end]
        if is_heading(unit):
            continue
        if is_item(unit) or is_row(unit) or _LEAD_IN.search(unit) or len(unit.split()) < 4:
            return  # a list needs its items, and an opening phrase says nothing
        yield Exchange(question=question, answer=unit, article=article.id, source="articles")
        return


def _sections(text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^#{2,6}\s+(.+)$", text, flags=re.M)
    for at in range(1, len(parts), 2):
        yield parts[at].strip(), parts[at + 1]
