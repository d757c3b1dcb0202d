"""Any system's answers against the passages it was given: is each sentence borne out by them?

The scorer is the guard that serves, so a figure here and a decision there are the same thing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evaluation.baseline import declines
from evaluation.citations import scored, unmarked
from evaluation.inputs import Answer, Line, answer, load, value
from evaluation.questions import InputError
from evaluation.statistics import clustered_share, mean, share, shown
from guards.batch import Row as Reviewed
from guards.batch import reviews
from guards.evidence import as_passages
from guards.render import review_json
from guards.types import Review
from models.errors import TruepennyError

if TYPE_CHECKING:
    from guards.guard import Guard

__all__ = ["STATUSES", "load", "names", "patient", "rows", "summary", "tables"]

STATUSES = ("supported", "contradicted", "unsupported", "unchecked")
REFUSAL = "refusal"
SECONDS = 600.0  # for one answer; offline, a busy machine must not turn a verdict into unchecked
Row = dict[str, Any]


def patient(guard: "Guard") -> "Guard":
    """The same guard with time enough that its clock decides nothing."""
    from guards.guard import Guard

    config = guard.config.model_copy(update={"reply_seconds": SECONDS})
    return Guard(guard.verifier, guard.thresholds, config)


def rows(
    lines: Sequence[Line],
    guard: "Guard",
    name: str = "line",
    columns: Mapping[str, str] | None = None,
) -> Iterator[Row]:
    """Scores each line, in order.

    Yields:
        {line, id?} with the verdicts as `truepenny check` gives them, `citations` a sentence,
        `relevance` and `refused`; or with {error} where the row is wrong or its review failed,
        so that one bad row doesn't end the run.
    """
    mapped = columns or {}
    read = [_read(line, f"{name}:{line.number}", mapped) for line in lines]
    good = [(found, *unmarked(found.text)) for found in read if isinstance(found, Answer)]
    jobs = [job for found, text, _ in good for job in _jobs(found, text)]
    judged = _reviews(guard, jobs)
    made = zip(good, zip(judged, judged, strict=True), strict=True)
    for line, found in zip(lines, read, strict=True):
        key = names(line, mapped)
        if isinstance(found, str):
            yield {**key, "error": found}
            continue
        (given, text, marks), (review, aside) = next(made)
        if isinstance(review, str):
            yield {**key, "error": review}
        else:
            relevance = None if isinstance(aside, str) else aside.answerable
            yield {**_result(given, text, marks, review, relevance, guard), **key}


def names(line: Line, columns: Mapping[str, str]) -> Row:
    """What tells a row from the others: its line, its id and its conversation."""
    key: Row = {"line": line.number}
    for name in ("id", "conversation"):
        found = value(line.row or {}, name, columns)
        if found is not None:
            key[name] = found
    return key


def summary(found: Sequence[Row], guard: "Guard") -> dict[str, Any]:
    """Shares of sentences by status, of answers borne out as a whole, of citations that hold.

    Failed rows are counted in `failed` and in nothing else; answers that state nothing (a
    greeting, a question back) are `empty`; a sentence that says "I don't know" is a refusal and
    no statement. Sentences of one conversation, else of one answer, are resampled together.
    """
    scored_rows = [row for row in found if "error" not in row]
    stated = [(_cluster(row), item) for row in scored_rows for item in _statements(row)]
    clusters = [cluster for cluster, _ in stated]
    stating = [row for row in scored_rows if _statements(row)]
    relevance = [row["relevance"] for row in stating if row["relevance"] is not None]
    return {
        "rows": len(found),
        "failed": len(found) - len(scored_rows),
        "empty": sum(not row["verdicts"] for row in scored_rows),
        "sentences": {
            status: clustered_share([item["status"] == status for _, item in stated], clusters)
            for status in STATUSES
        },
        "answers_supported": share([row["status"] == "supported" for row in stating]),
        "refused": share([row["refused"] for row in scored_rows]),
        "relevance": mean(relevance),
        **_citations(scored_rows),
        "threshold": guard.thresholds.support,
        "guard_version": guard.version,
    }


def tables(result: Row) -> list[list[list[str]]]:
    """One table of shares."""
    shares = {f"{status} sentences": found for status, found in result["sentences"].items()}
    shares["answers supported as a whole"] = result["answers_supported"]
    shares["refusals"] = result["refused"]
    shares["answer relevance (mean probability)"] = result["relevance"]
    if result["citation_recall"]["n"]:
        shares["citation precision"] = result["citation_precision"]
        shares["citation recall"] = result["citation_recall"]
    return [[["share", "value"], *([name, shown(found)] for name, found in shares.items())]]


def _read(line: Line, where: str, columns: Mapping[str, str]) -> Answer | str:
    if line.row is None:
        return f"{where}: {line.error}"
    try:
        return answer(line.row, where, columns)
    except InputError as error:
        return str(error)


def _passages(found: Answer) -> Any:
    return as_passages([text for _, text in found.passages], [key for key, _ in found.passages])


def _jobs(found: Answer, text: str) -> tuple[Reviewed, Reviewed]:
    """The answer against its passages; and, as a passage itself, does it answer the question?"""
    passages = _passages(found)
    return (
        Reviewed(answer=text, passages=passages, question=found.question, answerable=False),
        Reviewed(answer="", passages=as_passages([text]), question=found.question),
    )


def _reviews(guard: "Guard", jobs: Sequence[Reviewed]) -> Iterator[Review | str]:
    """One a job; where a review raises, its sentence."""
    at = 0
    while at < len(jobs):
        try:
            for review in reviews(guard, jobs[at:]):
                at += 1
                yield review
        except TruepennyError as error:
            at += 1
            yield str(error)


def _result(
    found: Answer,
    text: str,
    marks: Any,
    review: Review,
    relevance: float | None,
    guard: "Guard",
) -> Row:
    """The row; `relevance` is the probability that the answer speaks to the question."""
    record = review_json(review)
    del record["answerable"]  # of the passages, which isn't asked here
    for item in record["verdicts"]:
        item["status"] = REFUSAL if declines(item["claim"]) else item["status"]
    left = [item["status"] for item in _statements(record)]
    order = ("contradicted", "unsupported", "unchecked", "supported")
    refused = bool(record["verdicts"]) and not left
    marked = bool(marks) or found.citations is not None
    claims = [verdict.claim for verdict in review.verdicts]
    return {
        **record,
        "status": min(left, key=order.index, default=REFUSAL if refused else "supported"),
        "refused": refused,
        "relevance": None if refused else relevance,
        "citations": scored(
            claims, marks, found.citations, _passages(found), guard, found.question or "", text
        ) if marked else None,
    }  # fmt: skip


def _statements(row: Row) -> list[Row]:
    return [item for item in row["verdicts"] if item["status"] != REFUSAL]


def _citations(found: Sequence[Row]) -> dict[str, Any]:
    """Precision over citations, recall over sentences, of the answers that cite at all."""
    pairs = [
        (_cluster(row), record)
        for row in found
        if row["citations"] is not None
        for item, record in zip(row["verdicts"], row["citations"], strict=True)
        if item["status"] != REFUSAL
    ]
    precise = [(cluster, flag) for cluster, record in pairs for flag in record["precise"]]
    return {
        "citation_precision": clustered_share([f for _, f in precise], [c for c, _ in precise]),
        "citation_recall": clustered_share(
            [record["recalled"] for _, record in pairs], [cluster for cluster, _ in pairs]
        ),
    }


def _cluster(row: Row) -> str:
    return str(row.get("conversation", row["line"]))
