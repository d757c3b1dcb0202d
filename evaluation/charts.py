"""Charts as inline SVG: a reliability diagram, and risk against the share that is answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SIZE, MARGIN = 300, 62
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows of like probability: their mean probability, the share that came true, how many."""

    said: float
    true: float
    n: int


def bins(probabilities: Sequence[float], outcomes: Sequence[bool], count: int = 10) -> list[Bin]:
    """Bins of equal width; empty ones are left out."""
    p, y = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    which = np.minimum((p * count).astype(int), count - 1)
    groups = [which == b for b in range(count) if (which == b).any()]
    return [
        Bin(said=float(p[rows].mean()), true=float(y[rows].mean()), n=int(rows.sum()))
        for rows in groups
    ]


def calibration_error(found: Sequence[Bin]) -> float:
    """Expected calibration error: |said - true|, weighed by rows."""
    rows = sum(b.n for b in found)
    return sum(b.n * abs(b.said - b.true) for b in found) / rows if rows else 0.0


def risk_curve(scores: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """For each threshold, from the strictest: the share accepted, and of these the share wrong."""
    if not len(scores):
        return []
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    s, wrong = np.asarray(scores)[order], ~np.asarray(right, bool)[order]
    last = np.append(s[1:] != s[:-1], True)  # scores that are alike are accepted together
    n = np.arange(1, len(s) + 1)
    return [
        (float(k / len(s)), float(w / k))
        for k, w in zip(n[last], np.cumsum(wrong)[last], strict=True)
    ]


def reliability_svg(found: Sequence[Bin]) -> str:
    """Dots by bin, their area by the number of rows, beside the diagonal of perfect honesty."""
    most = max((b.n for b in found), default=1)
    dots = "".join(
        f'<circle class="dot" cx="{_x(b.said):.1f}" cy="{_y(b.true):.1f}" '
        f'r="{3 + 8 * (b.n / most) ** 0.5:.1f}"><title>said {b.said:.0%}, true {b.true:.0%}, '
        f"{b.n} rows</title></circle>"
        for b in found
    )
    line = f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    return _frame("the probability given", "came true", line + dots, 1.0)


def risk_svg(points: Points) -> str:
    """The curve of `risk_curve`, its height by the highest risk."""
    top = max(0.05, *(risk for _, risk in points)) if points else 1.0
    path = " ".join(f"{_x(rate):.1f},{_y(risk / top):.1f}" for rate, risk in points)
    return _frame("share accepted", "wrong among them", f'<polyline points="{path}"/>', top)


def _x(share: float) -> float:
    return MARGIN + share * SIZE


def _y(share: float) -> float:
    return 12 + (1 - share) * SIZE


def _frame(across: str, up: str, inside: str, top: float) -> str:
    width, height = SIZE + MARGIN + 16, SIZE + 60
    ticks = "".join(
        f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(t)}" y2="{_y(t)}"/>'
        f'<text x="{_x(0) - 6}" y="{_y(t) + 4}" text-anchor="end">{_percent(t * top)}</text>'
        f'<text x="{_x(t)}" y="{_y(0) + 16}" text-anchor="middle">{t:.0%}</text>'
        for t in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{up} against {across}">'
        f'{ticks}<text x="{_x(0.5)}" y="{height - 10}" text-anchor="middle">{across}</text>'
        f'<text transform="rotate(-90)" x="{-_y(0.5)}" y="12" text-anchor="middle">{up}</text>'
        f"{inside}</svg>"
    )


def _percent(share: float) -> str:
    return f"{share:.0%}" if share * 100 == round(share * 100) else f"{share:.1%}"
