"""Rows of JSONL, JSON and CSV files, each with the place it came from."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.errors import DataError

csv.field_size_limit(1 << 24)
Row = dict[str, Any]


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yields (place, row) of a file: `.csv`, `.tsv`, `.json` (one array) or JSON lines.

    Raises:
        DataError: The file can't be read, is empty, or a row is no object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read as UTF-8 text: {error}") from None
    table = path.suffix.lower() in (".csv", ".tsv")
    empty = True
    for place, row in _csv(path, text) if table else _json(path, text):
        empty = False
        if not isinstance(row, dict):
            raise DataError(
                f"{place}: expected a JSON object with named fields, got {type(row).__name__}"
            )
        yield place, row
    if empty:
        raise DataError(f"{path} holds no rows; expected one object a line, or a CSV with a header")


def _csv(path: Path, text: str) -> Iterator[tuple[str, Row]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in reader:
        place = f"{path}:{reader.line_num}"
        if None in row or None in row.values():
            raise DataError(
                f"{place}: the row has another number of columns than the header; quote cells "
                "that hold the delimiter"
            )
        yield place, row


def _json(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    if path.suffix.lower() == ".json":
        try:
            whole = json.loads(text)
        except ValueError as error:
            raise DataError(f"{path} is not valid JSON: {error}") from None
        items = whole if isinstance(whole, list) else [whole]
        yield from ((f"{path}[{n}]", item) for n, item in enumerate(items))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}:{number} is not valid JSON: {error}") from None
