"""CSV and JSONL of questions and answers: one page a row, bad rows told apart from good ones."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from retrieval.clean import clean_markdown
from retrieval.errors import SourceError
from retrieval.formats.page import Page, page_from
from retrieval.formats.text import decode

_QUESTION = ("question", "title", "name")
_ANSWER = ("answer", "text", "body", "content")
_MAX_FIELD = 1_000_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its page, or the reason why it has none.

    `number` counts rows from 1, `line` counts lines of the file from 1.
    """

    number: int
    line: int
    page: Page | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Raw:
    line: int
    fields: Mapping[str, object] | None
    reason: str = ""


def read_csv(data: bytes) -> list[Row]:
    """Reads CSV with a header row; the separator is a comma, a semicolon or a tab.

    Raises:
        SourceError: not text, or a header without a question and an answer column.
    """
    return _rows(_csv(decode(data)))


def read_jsonl(data: bytes) -> list[Row]:
    """Reads one JSON object a line; blank lines are passed over."""
    return _rows(_jsonl(decode(data)))


def _rows(raws: Iterator[_Raw]) -> list[Row]:
    rows = []
    for number, raw in enumerate(raws, 1):
        try:
            if raw.fields is None:
                raise SourceError(raw.reason)
            rows.append(Row(number=number, line=raw.line, page=_page(raw.fields)))
        except SourceError as error:
            rows.append(Row(number=number, line=raw.line, reason=str(error)))
    if not rows:
        raise SourceError("no rows")
    return rows


def _page(raw: Mapping[str, object]) -> Page:
    fields = {name.strip().lower(): _text(name, value) for name, value in raw.items()}
    fields = {name: value for name, value in fields.items() if name and value}
    question = _take(fields, _QUESTION)
    answer = _take(fields, _ANSWER)
    return page_from({**fields, "title": question}, text=clean_markdown(answer))


def _take(fields: dict[str, str], names: tuple[str, ...]) -> str:
    name = next((name for name in names if name in fields), None)
    if name is None:
        raise SourceError(f"no {names[0]}")
    return fields.pop(name)


def _text(name: str, value: object) -> str:
    if value is None or isinstance(value, str):
        return (value or "").strip()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise SourceError(f"{name!r} should be text, and is {type(value).__name__}")


def _csv(text: str) -> Iterator[_Raw]:
    header, separator = _header(text)
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    next(reader)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unclosed = "unexpected end of data" in str(error)
            reason = "a quote is never closed; nothing after it was read" if unclosed else error
            yield _Raw(line, None, f"not CSV: {reason}")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        extra = len(cells) > len(header) and any(cells[len(header) :])
        reason = f"{len(cells)} columns where the header has {len(header)}"
        yield _Raw(line, None, reason) if extra else _Raw(line, dict(zip(header, cells)))  # noqa: B905


def _header(text: str) -> tuple[list[str], str]:
    """Finds the column names and the separator that tells them apart."""
    first = ""
    for separator in ",;\t":
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            header = next(reader, [])
        except csv.Error:
            continue
        names = [name.strip().lower() for name in header]
        if set(names) & set(_QUESTION) and set(names) & set(_ANSWER):
            return names, separator
        first = first or ", ".join(names)[:100]
    raise SourceError(f"no columns question and answer; the first row is: {first or 'not CSV'}")


def _jsonl(text: str) -> Iterator[_Raw]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "out of bounds"
            yield _Raw(number, None, f"not JSON: {reason}")
            continue
        is_row = isinstance(value, dict)
        yield _Raw(number, value) if is_row else _Raw(number, None, "not a JSON object")
