"""Question sets: reading them, and telling whether a text holds an expected fact."""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from bot.types import State, Turn
from models.errors import ConfigError

_DASHES = dict.fromkeys("‐‑‒–—―−", "-")
_QUOTES = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "ʼ": "'"}
_INVISIBLE = dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")
_MARKS = str.maketrans({**_DASHES, **_QUOTES, **_INVISIBLE, "`": ""})
_EMPHASIS = re.compile(r"(?<!\w)[*_]+|[*_]+(?!\w)")
T = TypeVar("T")


class InputError(ConfigError):
    """A file given to an evaluation can't be used; the message names the file and the line.

    Wrong use like a wrong configuration, so a command exits with 2.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and what a right answer holds.

    `articles` are alternatives: citing one of them is enough. Each of `facts` is a list of
    alternatives, of which one must be said; nothing `forbidden` may be.
    """

    id: str
    question: str
    history: tuple[Turn, ...] = ()
    answerable: bool = True
    articles: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[str, ...] = ()
    kind: str = "plain"

    @property
    def judged(self) -> bool:
        """Whether an answer can be told right from wrong: something is expected of it."""
        return not self.answerable or bool(self.facts or self.articles)

    def state(self) -> State:
        """The conversation before the question."""
        return State(conversation_id=f"eval-{self.id}", turns=self.history)


def load(path: Path, limit: int | None = None) -> list[Question]:
    """Reads a question set.

    Args:
        path: JSONL: question, and optionally id, history, answerable, articles, facts,
            forbidden, kind; other keys are left alone.
        limit: At most so many, evenly spread over the file.

    Raises:
        InputError: The file is missing or empty, or a row is wrong.
    """
    found: dict[str, Question] = {}
    for number, row in read_rows(path):
        item = as_question(row, f"{path}:{number}", f"{path.stem}-{number:03d}")
        if item.id in found:
            raise InputError(f"{path}:{number}: the id {item.id!r} is taken by an earlier row")
        found[item.id] = item
    return spread(list(found.values()), limit)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields line numbers from 1 and the objects of a JSONL file; blank lines are skipped.

    Raises:
        InputError: The file can't be read, a line is no JSON object, or there is none.
    """
    empty = True
    for number, line in read_lines(path):
        empty = False
        yield number, parse(line, f"{path}:{number}")
    if empty:
        raise InputError(f"{path} is empty; expected one JSON object a line")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields line numbers from 1 and the lines that aren't blank.

    Raises:
        InputError: The file can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    # not splitlines: U+2028 and its like may stand inside a JSON string
    return ((n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip())


def parse(line: str, where: str) -> dict[str, Any]:
    """Parses one line of a JSONL file.

    Raises:
        InputError: It is no JSON object.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object, got {type(row).__name__}")
    return row


def as_question(row: dict[str, Any], where: str, fallback: str) -> Question:
    """A row as a question.

    Args:
        row: As it was read.
        where: File and line, for messages.
        fallback: The id of a row without one.

    Raises:
        InputError: A value is of the wrong kind.
    """
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        raise InputError(f"{where}: answerable must be true or false, got {answerable!r}")
    facts = row.get("facts") or []
    if not isinstance(facts, list):
        raise InputError(f"{where}: facts must be a list of lists of alternatives, got {facts!r}")
    return Question(
        id=_text(row.get("id", fallback), "id", where),
        question=_text(row.get("question"), "question", where),
        history=tuple(_turn(item, where) for item in row.get("history") or ()),
        answerable=answerable,
        articles=_texts(row.get("articles"), "articles", where),
        facts=tuple(_texts(item, "each of facts", where) for item in facts),
        forbidden=_texts(row.get("forbidden"), "forbidden", where),
        kind=_text(row.get("kind", "plain" if answerable else "unanswerable"), "kind", where),
    )


def holds(text: str, alternative: str) -> bool:
    """Whether a text says a phrase: as whole words, and not as part of a longer number.

    Case, markup, white space and the kind of dash and quotation mark don't matter.
    """
    return bool(_pattern(alternative).search(normal(text)))


def missing(text: str, facts: Sequence[Sequence[str]]) -> list[list[str]]:
    """The facts of which a text holds no alternative."""
    return [list(fact) for fact in facts if not any(holds(text, item) for item in fact)]


def normal(text: str) -> str:
    """Text as it is compared: NFKC, plain quotes and dashes, no emphasis, one space, lower case."""
    plain = unicodedata.normalize("NFKC", text.translate(_MARKS)).translate(_MARKS)
    return " ".join(_EMPHASIS.sub("", plain).split()).casefold()


def spread(rows: list[T], limit: int | None) -> list[T]:
    """At most `limit` rows, evenly spread, since the unanswerable ones often come last."""
    if limit is None or limit >= len(rows):
        return rows
    return [rows[i * len(rows) // limit] for i in range(limit)]


@lru_cache(maxsize=4096)
def _pattern(alternative: str) -> re.Pattern[str]:
    phrase = normal(alternative)
    before = r"(?<!\w)(?<!\d[.,:])" if phrase[:1].isdigit() else r"(?<!\w)"
    after = r"(?!\w)(?![.,:]\d)" if phrase[-1:].isdigit() else r"(?!\w)"
    return re.compile(before + re.escape(phrase) + after)


def _text(value: object, name: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {name} must be a text that isn't empty, got {value!r}")
    return value


def _texts(value: object, name: str, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(i, str) and normal(i) for i in value):
        raise InputError(f"{where}: {name} must be a list of texts, got {value!r}")
    return tuple(value)


def _turn(item: object, where: str) -> Turn:
    if not isinstance(item, dict) or item.get("role") not in ("user", "assistant", "person"):
        raise InputError(
            f"{where}: each of history must be {{role: user|assistant|person, text}}, got {item!r}"
        )
    return Turn(role=item["role"], text=_text(item.get("text"), "text of history", where))
