"""Latency and risk, day by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from bot.admin.types import Said

STAGES = {
    "total_ms": "Whole reply",
    "first_sentence_ms": "First sentence",
    "retrieve_ms": "Finding passages",
    "draft_ms": "Drafting",
    "verify_ms": "Checking",
    "understand_ms": "Understanding",
}
OUTCOMES = {
    "answer": "Answered",
    "other": "Asked back or in a flow",
    "abstain": "Declined",
    "handoff": "Handed over",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The median and the 95th percentile, in ms."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What was said in a day, or in all days.

    `outcomes` are counts; `risk` is the mean probability that a sentence that was said isn't
    supported, None if none was scored.
    """

    day: date | None
    replies: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    latency: Mapping[str, Latency] = field(default_factory=dict)
    risk: float | None = None

    def share(self, outcome: str) -> float:
        """Of the replies, 0 to 1."""
        return self.outcomes.get(outcome, 0) / self.replies if self.replies else 0.0


def by_day(said: Iterable[Said], last: date, days: int) -> list[Period]:
    """One period a day, the oldest first; days without replies too. Days are UTC's."""
    found: dict[date, list[Said]] = {}
    for each in said:
        found.setdefault(each.at.date(), []).append(each)
    listed = [last - timedelta(days=back) for back in reversed(range(days))]
    return [period(found.get(day, ()), day) for day in listed]


def period(said: Sequence[Said], day: date | None = None) -> Period:
    """The numbers of some replies."""
    outcomes = dict.fromkeys(OUTCOMES, 0)
    for each in said:
        outcomes[each.action if each.action in outcomes else "other"] += 1
    times = {stage: [s.timings[stage] for s in said if stage in s.timings] for stage in STAGES}
    chances = [chance for each in said for chance in each.probabilities]
    return Period(
        day=day, replies=len(said), outcomes=outcomes,
        latency={stage: _latency(ms) for stage, ms in times.items() if ms},
        risk=float(np.mean([1 - chance for chance in chances])) if chances else None,
    )  # fmt: skip


def _latency(ms: Sequence[float]) -> Latency:
    p50, p95 = np.percentile(ms, [50, 95])
    return Latency(p50=float(p50), p95=float(p95))
