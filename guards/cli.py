"""`truepenny check`."""

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.config import ModelsConfig, section
from models.terminal import explained, out, say

if TYPE_CHECKING:
    from guards.batch import Row
    from guards.guard import Guard


@explained
def check(
    source: Annotated[
        Path,
        typer.Option("--input", help="JSONL rows {evidence, claim or answer, question?}; - stdin."),
    ],
    config: Annotated[Path | None, typer.Option(help="truepenny.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a row.")] = False,
) -> None:
    """Scores sentences against evidence, with the scorer that answers use.

    `evidence` is a text or a list of texts. A row that can't be read is `unchecked` with its
    reason, and the exit code is then 1.

    Example: truepenny check --input rows.jsonl --json
    """
    from guards.guard import GuardsConfig, load_guard

    guard = load_guard(
        section(config, "models", ModelsConfig), section(config, "guards", GuardsConfig)
    )
    counts: dict[str, int] = {}
    bad = 0
    for number, row, result in _checked(guard, _rows(source)):
        if "error" in result:
            bad += 1
            say(f"row {number}: {result['error']}")
        counts[result["status"]] = counts.get(result["status"], 0) + 1
        if as_json:
            out({**(row if isinstance(row, dict) else {"row": row}), **result})
    say(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no rows")
    if bad:
        raise typer.Exit(1)


def _rows(source: Path) -> Iterator[tuple[int, Any]]:
    try:
        lines = (
            sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
        ).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {source}: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, line


def _checked(
    guard: "Guard", rows: Iterable[tuple[int, Any]]
) -> Iterator[tuple[int, Any, dict[str, Any]]]:
    """Number, row and review of each, a chunk at a time; a bad row is `unchecked`."""
    from guards.batch import ROWS, Row, reviews
    from guards.render import review_json

    unchecked: dict[str, Any] = {"status": "unchecked", "probability": None, "verdicts": []}
    left = iter(rows)
    while chunk := list(islice(left, ROWS)):
        read = [_read(row) for _, row in chunk]
        found = reviews(guard, [row for row in read if isinstance(row, Row)])
        for (number, row), good in zip(chunk, read, strict=True):
            bad = {**unchecked, "error": good}
            yield number, row, review_json(next(found)) if isinstance(good, Row) else bad


def _read(row: Any) -> "Row | str":
    """A row as `reviews` takes it, or what is wrong with it."""
    from guards.batch import Row
    from guards.evidence import as_passages

    if not isinstance(row, dict):
        return "expected a JSON object"
    text = row.get("answer", row.get("claim"))
    evidence = row.get("evidence")
    if not isinstance(text, str) or not text.strip():
        return 'expected a text under "claim" or "answer"'
    texts = [evidence] if isinstance(evidence, str) else evidence
    if not isinstance(texts, list) or not all(isinstance(item, str) for item in texts):
        return 'expected a text or a list of texts under "evidence"'
    question = row.get("question")
    return Row(
        answer=text,
        passages=as_passages(texts),
        question=question if isinstance(question, str) else None,
    )
