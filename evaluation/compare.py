"""Two runs over the same rows: what got better, what got worse, and is it chance?

A metric of a run is a sum over rows divided by a count over rows, so that shares of sentences,
of answers and means are one thing. Rows are paired by id; conversations are resampled whole.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.questions import InputError, read_rows
from evaluation.statistics import CONFIDENCE, RESAMPLES, mcnemar

Row = dict[str, Any]
Part = tuple[float, float] | None  # what a row adds to sum and count; None: it isn't of this metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of a run. `better` is 1 where more is better and -1 where less is."""

    name: str
    part: Callable[[Row], Part]
    better: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric in both runs; `low` to `high` is the 95 % interval of the difference.

    `p` is of the hypothesis that the second run is no worse than `allowed`.
    """

    metric: str
    better: int
    n: int
    first: float
    second: float
    low: float
    high: float
    allowed: float
    p: float

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first


def load(path: Path) -> list[Row]:
    """Reads the rows of a run, as `--out` writes them.

    Raises:
        InputError: The file can't be read, or two rows have one id.
    """
    rows = [row for _, row in read_rows(path)]
    keys = [key(row) for row in rows]
    if len(set(keys)) < len(keys):
        twice = next(k for k in keys if keys.count(k) > 1)
        raise InputError(f"{path}: two rows are named {twice!r}; give each an id of its own")
    return rows


def key(row: Row) -> str:
    """What pairs rows of two runs: the id, else the line."""
    found = row.get("id", row.get("line"))
    return json.dumps([found, row["file"]] if "file" in row and "id" not in row else found)


def metrics(rows: Sequence[Row]) -> list[Metric]:
    """The metrics that rows have: of `eval answers`, `dialogue`, `faithfulness` or `guard`.

    Raises:
        InputError: They are of none of these.
    """
    some = next((row for row in rows if "error" not in row), {})
    if "turn_timings" in some:
        return [
            Metric(name="right", part=_outcome("right")),
            Metric(name="wrong", part=_outcome("wrong"), better=-1),
            Metric(name="asked_again", part=_asked_again, better=-1),
            Metric(name="total_ms", part=_milliseconds, better=-1),
        ]
    if "outcome" in some:
        return [
            Metric(name="right_and_cited", part=_outcome("right", answerable=True, judged=True)),
            Metric(name="declined_unanswerable", part=_outcome("declined", answerable=False)),
            Metric(name="wrong", part=_outcome("wrong", judged=True), better=-1),
            Metric(
                name="declined_answerable", part=_outcome("declined", answerable=True), better=-1
            ),
            Metric(name="total_ms", part=_milliseconds, better=-1),
        ]
    if "cascade" in some:
        return [
            Metric(name="catch_rate", part=_refused(supported=False)),
            Metric(name="false_alarms", part=_refused(supported=True), better=-1),
        ]
    if "verdicts" in some or any("error" in row for row in rows):
        return [
            Metric(name="supported_sentences", part=_sentences("supported")),
            Metric(name="contradicted_sentences", part=_sentences("contradicted"), better=-1),
            Metric(name="answers_supported", part=_answer_supported),
            Metric(name="refused", part=_flag("refused"), better=-1),
            Metric(name="relevance", part=_relevance),
            Metric(name="failed", part=lambda row: (float("error" in row), 1.0), better=-1),
        ]
    raise InputError("the rows are of no evaluation known here; give files that --out has written")


def pair(first: Sequence[Row], second: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The rows that both runs have, in the order of the first.

    Raises:
        InputError: There is none.
    """
    theirs = {key(row): row for row in second}
    pairs = [(row, theirs[key(row)]) for row in first if key(row) in theirs]
    if not pairs:
        raise InputError("the two runs have no row in common; compare runs over the same rows")
    return pairs


def compare(
    pairs: Sequence[tuple[Row, Row]], metric: Metric, allowed: float = 0.0, seed: int = 0
) -> Change | None:
    """A metric in both runs by a paired bootstrap, and for shares of rows McNemar's exact test.

    The more cautious of the two p-values counts: the bootstrap is too sure of few differences.

    Returns:
        None where no pair has the metric in both runs.
    """
    parts = [(metric.part(a), metric.part(b), _cluster(a)) for a, b in pairs]
    both = [(a, b, c) for a, b, c in parts if a is not None and b is not None]
    if not both:
        return None
    numbers = np.array([[*a, *b] for a, b, _ in both], np.float64)
    first, second = _ratios(numbers.sum(0)[None, :])[0]
    drawn = _ratios(_resampled(numbers, [c for _, _, c in both], seed))
    drawn = drawn[np.isfinite(drawn).all(1)]
    if not np.isfinite([first, second]).all() or not len(drawn):
        return None
    shifts = drawn[:, 1] - drawn[:, 0]
    low, high = np.quantile(shifts, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    held = (metric.better * shifts >= -allowed).sum()
    return Change(
        metric=metric.name, better=metric.better, n=len(both), first=float(first),
        second=float(second), low=float(low), high=float(high), allowed=allowed,
        p=max(float(1 + held) / (1 + len(shifts)), _exact(numbers, metric.better, allowed)),
    )  # fmt: skip


def _ratios(sums: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]], axis=1)


def _resampled(numbers: Any, clusters: Sequence[str], seed: int) -> Any:
    """Sums over resamples of whole clusters, (resamples, columns)."""
    _, where = np.unique(np.asarray(clusters), return_inverse=True)
    groups = np.zeros((where.max() + 1, numbers.shape[1]))
    np.add.at(groups, where, numbers)
    return _draws(len(groups), seed) @ groups


@lru_cache(maxsize=1)  # the same for every metric of two runs
def _draws(count: int, seed: int) -> Any:
    """How often each cluster is drawn, (resamples, clusters)."""
    rng = np.random.default_rng(seed)
    picks = (rng.integers(0, count, count) for _ in range(RESAMPLES))
    return np.stack([np.bincount(pick, minlength=count) for pick in picks]).astype(np.float32)


def _exact(numbers: Any, better: int, allowed: float) -> float:
    """One-sided McNemar, where each row counts once and is either 0 or 1; else 0."""
    flags = np.isin(numbers[:, [0, 2]], (0.0, 1.0)).all() and (numbers[:, [1, 3]] == 1).all()
    if not flags or allowed:
        return 0.0
    good = numbers[:, [0, 2]] == (1.0 if better == 1 else 0.0)
    test = mcnemar(list(good[:, 0]), list(good[:, 1]))
    lost, won = test["first_only"], test["second_only"]
    return test["p"] / 2 if lost > won else 1.0


def _cluster(row: Row) -> str:
    return str(row.get("conversation") or row.get("evidence_hash") or key(row))


def _outcome(outcome: str, **wanted: bool) -> Callable[[Row], Part]:
    def part(row: Row) -> Part:
        if any(row.get(name) != flag for name, flag in wanted.items()):
            return None
        return float(row["outcome"] == outcome), 1.0

    return part


def _refused(*, supported: bool) -> Callable[[Row], Part]:
    def part(row: Row) -> Part:
        return (float(row["status"] != "supported"), 1.0) if row["supported"] is supported else None

    return part


def _sentences(status: str) -> Callable[[Row], Part]:
    def part(row: Row) -> Part:
        found = [v["status"] for v in row.get("verdicts", ()) if v["status"] != "refusal"]
        return (float(found.count(status)), float(len(found))) if "error" not in row else None

    return part


def _answer_supported(row: Row) -> Part:
    if not row.get("verdicts") or row["status"] == "refusal":
        return None
    return float(row["status"] == "supported"), 1.0


def _flag(name: str) -> Callable[[Row], Part]:
    return lambda row: (float(row[name]), 1.0) if name in row else None


def _asked_again(row: Row) -> Part:
    return (float(bool(row["asked_again"])), 1.0) if row["known"] else None


def _relevance(row: Row) -> Part:
    found = row.get("relevance")
    return (float(found), 1.0) if found is not None else None


def _milliseconds(row: Row) -> Part:
    spent = row.get("timings", {}).get("total_ms")
    return (float(spent), 1.0) if spent is not None else None


def changes(
    first: Sequence[Row], second: Sequence[Row], allowed: Mapping[str, float] | None = None
) -> list[Change]:
    """Every metric of two runs."""
    pairs = pair(first, second)
    found = [compare(pairs, m, (allowed or {}).get(m.name, 0.0)) for m in metrics(first)]
    return [change for change in found if change is not None]
