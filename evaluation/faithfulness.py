"""Any system's answers against the passages it was given: is each sentence borne out by them?"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.questions import InputError, parse, read_lines
from evaluation.statistics import clustered_share, share, shown
from guards.evidence import as_passages
from guards.render import review_json
from guards.types import Review
from models.errors import TruepennyError
from retrieval.types import Passage

if TYPE_CHECKING:
    from guards.guard import Guard

STATUSES = ("supported", "contradicted", "unsupported", "unchecked")
Row = dict[str, Any]


def load(path: Path, limit: int | None = None) -> list[tuple[int, str]]:
    """Reads the lines; what is wrong with one is found when it is scored.

    Raises:
        InputError: The file can't be read or is empty.
    """
    lines = list(read_lines(path))
    if not lines:
        raise InputError(f"{path} is empty; expected one JSON object a line")
    return lines[:limit]


def rows(lines: Sequence[tuple[int, str]], guard: "Guard", name: str = "line") -> Iterator[Row]:
    """Scores each line {question?, answer, passages: [str or {id, text}]}, in order.

    Yields:
        {line, id?} with the review as `truepenny check` gives it, or with {error} where the row is
        wrong or its review failed, so that one bad row doesn't end the run.
    """
    for number, line in lines:
        row: Row = {}
        try:
            row = parse(line, f"{name}:{number}")
            review = _review(row, f"{name}:{number}", guard)
        except TruepennyError as error:
            yield {**_key(row, number), "error": str(error)}
        else:
            yield {**_key(row, number), **review_json(review)}


def summary(found: Sequence[Row], guard: "Guard") -> dict[str, Any]:
    """Shares of sentences by status, resampled by answer, and of answers borne out as a whole.

    Failed rows are counted in `failed` and in nothing else; answers that state nothing (a
    greeting, a question back) are `empty`.
    """
    scored = [row for row in found if "error" not in row]
    pairs = [(row["line"], item["status"]) for row in scored for item in row["verdicts"]]
    lines = [line for line, _ in pairs]
    stating = [row for row in scored if row["verdicts"]]
    return {
        "rows": len(found),
        "failed": len(found) - len(scored),
        "empty": len(scored) - len(stating),
        "sentences": {
            status: clustered_share([other == status for _, other in pairs], lines)
            for status in STATUSES
        },
        "answers_supported": share([row["status"] == "supported" for row in stating]),
        "threshold": guard.thresholds.support,
        "guard_version": guard.version,
    }


def tables(result: Row) -> list[list[list[str]]]:
    """One table of shares."""
    shares = {f"{status} sentences": found for status, found in result["sentences"].items()}
    shares["answers supported as a whole"] = result["answers_supported"]
    return [[["share", "value"], *([name, shown(found)] for name, found in shares.items())]]


def _review(row: Row, where: str, guard: "Guard") -> Review:
    answer, question = row.get("answer"), row.get("question")
    if not isinstance(answer, str) or not answer.strip():
        raise InputError(f"{where}: answer must be a text that isn't empty, got {answer!r}")
    if question is not None and not isinstance(question, str):
        raise InputError(f"{where}: question must be a text, got {question!r}")
    return guard.review(answer, _passages(row.get("passages"), where), question)


def _passages(given: object, where: str) -> list[Passage]:
    items = given if isinstance(given, list) else [None]
    texts = [item.get("text") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"{where}: passages must be a list of texts or {{id, text}}, got {str(given)[:80]!r}"
        )
    keys = [str(item["id"]) if isinstance(item, dict) and "id" in item else str(n)
            for n, item in enumerate(items, start=1)]  # fmt: skip
    return as_passages([str(text) for text in texts], keys)


def _key(row: Row, number: int) -> Row:
    return {"line": number, **({"id": row["id"]} if "id" in row else {})}
