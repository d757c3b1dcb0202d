"""Answers of any system, read as they are: JSONL, JSON or CSV, in the column names of others.

Known without a flag are our names and those of ragas (old and new) and DeepEval; rows of Hugging
Face `datasets` come as JSONL (`to_json`), as columns (`to_dict`) or as the viewer's
`{"rows": [{"row": ...}]}`. A row that can't be read is an error with its line, and the rest counts.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.questions import InputError

NAMES: dict[str, tuple[str, ...]] = {
    "answer": ("answer", "response", "actual_output", "actualOutput"),
    "question": ("question", "user_input", "input", "query"),
    "passages": ("passages", "retrieved_contexts", "contexts", "retrieval_context",
                 "retrievalContext", "evidence"),
    "citations": ("citations", "cited"),
    "reference": ("reference", "ground_truth", "expected_output", "expectedOutput"),
    "conversation": ("conversation", "conversation_id"),
    "id": ("id",),
}  # fmt: skip
Row = dict[str, Any]
csv.field_size_limit(64 * 1024 * 1024)  # a cell may hold all passages of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a file by its line (of JSON without lines: its number), or why there is none."""

    number: int
    row: Row | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a system answered. `citations` are passage ids; None where the rows name none."""

    text: str
    question: str | None
    passages: tuple[tuple[str, str], ...]
    citations: tuple[str, ...] | None = None


def load(path: Path, limit: int | None = None) -> list[Line]:
    """Reads a file by its ending; what is wrong with one row stays with that row.

    Raises:
        InputError: The file can't be read, is empty, or is no table of rows at all.
    """
    text = _text(path)
    if not text.strip():
        raise InputError(f"{path} is empty; expected one JSON object a line, a JSON list or a CSV")
    if path.suffix.lower() in (".csv", ".tsv"):
        found = _csv(text, "\t" if path.suffix.lower() == ".tsv" else ",")
    elif path.suffix.lower() == ".json" or text.lstrip()[:1] == "[":
        found = _json(text, path)
    else:
        found = _jsonl(text)
    lines = [_decoded(line) for line in found]
    return lines[:limit]


def columns(given: Sequence[str]) -> dict[str, str]:
    """Reads flags `ours=theirs`.

    Raises:
        InputError: One isn't of that form, or we have no such column.
    """
    pairs = {ours: theirs for ours, _, theirs in (item.partition("=") for item in given)}
    for ours, theirs in pairs.items():
        if ours not in NAMES or not theirs:
            raise InputError(
                f"--column takes OURS=THEIRS, ours one of {', '.join(NAMES)}; got {ours}={theirs}"
            )
    return pairs


def value(row: Row, name: str, mapped: Mapping[str, str]) -> Any:
    """What a row has under one of our names: by the flag, else by the first name that is known."""
    if name in mapped:
        return row.get(mapped[name])
    return next((row[other] for other in NAMES[name] if row.get(other) is not None), None)


def answer(row: Row, where: str, mapped: Mapping[str, str]) -> Answer:
    """A row as an answer.

    Raises:
        InputError: A column is missing or wrong.
    """
    text, question = value(row, "answer", mapped), value(row, "question", mapped)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: answer must be a text that isn't empty, {_got(row, text)}")
    if question is not None and not isinstance(question, str):
        raise InputError(f"{where}: question must be a text, got {question!r}")
    cited = _unpacked(value(row, "citations", mapped))
    return Answer(
        text=text,
        question=question or None,
        passages=_passages(_unpacked(value(row, "passages", mapped)), where, row),
        citations=tuple(map(str, cited)) if isinstance(cited, list) else None,
    )


def _passages(given: object, where: str, row: Row) -> tuple[tuple[str, str], ...]:
    items = given if isinstance(given, list) else [None]
    texts = [item.get("text") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"{where}: passages must be a list of texts or {{id, text}}, {_got(row, given)}"
        )
    keys = [str(item["id"]) if isinstance(item, dict) and "id" in item else str(n)
            for n, item in enumerate(items, start=1)]  # fmt: skip
    return tuple(zip(keys, map(str, texts), strict=True))


def _got(row: Row, found: object) -> str:
    """What stands there; where nothing does, the columns there are, to be mapped."""
    if found is None:
        names = ", ".join(map(str, row)) or "none"
        return f"and the row has only the columns {names}: name yours with --column"
    return f"got {str(found)[:80]!r}"


def _unpacked(cell: Any) -> Any:
    """A list as a CSV holds it, written as JSON; all else as it is."""
    if not isinstance(cell, str):
        return cell
    try:
        read = json.loads(cell)
    except ValueError:
        return cell
    return read if isinstance(read, list) else cell


def _text(path: Path) -> str:
    """The file as text; bytes that aren't UTF-8 stay visible as surrogates for `_decoded`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error}") from None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    return raw.decode("utf-8-sig", errors="surrogateescape")


def _decoded(line: Line) -> Line:
    if line.row is None:
        return line
    try:
        json.dumps(line.row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        bad = error.object[error.start : error.start + 1].encode("ascii", "backslashreplace")
        return Line(
            number=line.number, row=None,
            error=f"not UTF-8 near {bad.decode()}: save the file as UTF-8",
        )  # fmt: skip
    return line


def _jsonl(text: str) -> Iterator[Line]:
    # not splitlines: U+2028 and its like may stand inside a JSON string
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _object(line, number)


def _object(line: str, number: int) -> Line:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Line(number=number, row=None, error=f"not valid JSON: {error}")
    return _row(row, number)


def _row(row: object, number: int) -> Line:
    if not isinstance(row, dict):
        kind = type(row).__name__
        return Line(number=number, row=None, error=f"expected a JSON object, got {kind}")
    return Line(number=number, row=row)


def _json(text: str, path: Path) -> Iterator[Line]:
    """A list of rows, columns of lists, or the viewer's rows; a list may be cut off."""
    start = text.find("[") if text.lstrip().startswith("[") else -1
    if start >= 0:
        yield from _items(text, start + 1)
        return
    try:
        whole = json.loads(text)
    except ValueError:
        yield from _jsonl(text)  # objects, one a line, under the wrong ending
        return
    if isinstance(whole.get("rows"), list):
        rows = [row.get("row", row) if isinstance(row, dict) else row for row in whole["rows"]]
        yield from (_row(row, number) for number, row in enumerate(rows, start=1))
    elif whole and all(isinstance(column, list) for column in whole.values()):
        if len({len(column) for column in whole.values()}) > 1:
            raise InputError(f"{path}: its columns aren't of one length")
        table = zip(*whole.values(), strict=True)
        for number, cells in enumerate(table, start=1):
            yield Line(number=number, row=dict(zip(whole, cells, strict=True)))
    else:
        yield _row(whole, 1)


def _items(text: str, at: int) -> Iterator[Line]:
    decoder, number = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if text[at : at + 1] == "]":
            return
        number += 1
        try:
            row, at = decoder.raw_decode(text, at)
        except ValueError as error:
            yield Line(number=number, row=None, error=f"the list ends or breaks here: {error}")
            return
        yield _row(row, number)


def _csv(text: str, delimiter: str) -> Iterator[Line]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number=number, row=None, error=f"not valid CSV: {error}")
            return
        if None in row or None in row.values():
            expected = len(reader.fieldnames or ())
            yield Line(
                number=number, row=None, error=f"expected {expected} cells, got another number"
            )
        else:
            yield Line(number=max(number, 2), row=dict(row))
