"""A few people's labels with many automatic scores: intervals that trust the labels only.

The automatic score may be biased; the labels correct it, and the better the two agree, the
narrower the interval gets than the labels alone would give.

Source: Angelopoulos, Duchi & Zrnic (2023), PPI++, https://arxiv.org/abs/2311.01453, section 6.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from evaluation.questions import InputError
from evaluation.statistics import CONFIDENCE, Estimate

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Labels needed; `scored` is with automatic scores beside them."""

    unpaired: int
    paired: int
    scored: int


def supported_share(rows: Sequence[Row], labels: Mapping[str, Mapping[str, str]]) -> Row:
    """The share of a run's sentences that people would call supported.

    Args:
        rows: That `eval faithfulness --out` has written; the scores are the probabilities.
        labels: By rater and sentence, as `label.load` gives them. Of several raters the mean
            counts; "unclear" is no label.

    Returns:
        `with_scores` and `labels_alone` as estimates, the scores' own mean, their correlation
        with the labels, and how many sentences were labelled and left out (without a score).

    Raises:
        InputError: Fewer than two labels are of sentences of these rows.
    """
    scores = _scores(rows)
    said: dict[str, list[float]] = {}
    for judged in labels.values():
        for key, word in judged.items():
            if key in scores and word != "unclear":
                said.setdefault(key, []).append(float(word == "supported"))
    if len(said) < 2:
        raise InputError(
            f"got {len(said)} labels of the {len(scores)} scored sentences, expected at least 2: "
            "are the labels of this run, and is --rater right?"
        )
    y = [sum(words) / len(words) for words in said.values()]
    f = [scores[key] for key in said]
    rest = [score for key, score in scores.items() if key not in said]
    alike = len(set(y)) == 1 or len(set(f)) == 1
    return {
        "with_scores": powered_mean(y, f, rest),
        "labels_alone": powered_mean(y, f, []),
        "scores_alone": sum(scores.values()) / len(scores),
        "correlation": None if alike else float(np.corrcoef(y, f)[0, 1]),
        "labelled": len(y),
        "scored": len(scores),
        "unscored": sum(len(row.get("verdicts", ())) for row in rows) - len(scores),
    }


def _scores(rows: Sequence[Row]) -> dict[str, float]:
    """The cascade's one score a sentence, as `evaluation.guard` makes it."""
    from evaluation.guard import graded
    from evaluation.label import key_of

    return {
        key_of(row, n, at): graded(verdict["guard"], verdict["probability"])
        for n, row in enumerate(rows, start=1)
        for at, verdict in enumerate(row.get("verdicts", ()), start=1)
        if verdict["probability"] is not None
    }


def powered_mean(
    labels: Sequence[float],
    scores: Sequence[float],
    unlabelled: Sequence[float],
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The mean of the labels over all rows, with the scores' help.

    Args:
        labels: Of the labelled rows, drawn at random.
        scores: Of the same rows.
        unlabelled: Scores of the others.
        confidence: Of the interval, by Student's t with as many degrees as the labels give.

    Raises:
        ValueError: Fewer than two labels, or not one score a label.
    """
    from scipy.stats import t

    y, f = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    if len(y) < 2 or len(y) != len(f):
        raise ValueError(f"got {len(y)} labels and {len(f)} scores; expected as many, at least 2")
    rest = np.asarray(unlabelled, np.float64)
    weight = power(y, f, rest)
    centre = float((y - weight * f).mean()) + (weight * float(rest.mean()) if len(rest) else 0.0)
    variance = float((y - weight * f).var(ddof=1)) / len(y)
    if len(rest) > 1:
        variance += weight**2 * float(rest.var(ddof=1)) / len(rest)
    half = float(t.ppf((1 + confidence) / 2, len(y) - 1)) * math.sqrt(variance)
    return Estimate(value=centre, n=len(y), low=centre - half, high=centre + half)


def power(y: "np.typing.NDArray[np.float64]", f: "np.typing.NDArray[np.float64]",
          rest: "np.typing.NDArray[np.float64]") -> float:  # fmt: skip
    """How far the scores are trusted: the weight that makes the interval narrowest, 0 to 1."""
    if len(rest) < 2:
        return 0.0
    spread = float(np.concatenate([f, rest]).var(ddof=1))
    if spread == 0:
        return 0.0
    best = float(np.cov(y, f)[0, 1]) / ((1 + len(y) / len(rest)) * spread)
    return min(1.0, max(0.0, best))


def plan(
    change: float,
    rate: float,
    differing: float | None = None,
    correlation: float = 0.0,
    power: float = 0.8,
    confidence: float = CONFIDENCE,
) -> Plan:
    """How many labels a system show a change of a share.

    Args:
        change: Smallest change that must be seen, such as 0.02.
        rate: The share now.
        differing: Share of rows on which two systems differ; else twice the change and a half.
        correlation: Of automatic scores with labels.
        power: Chance that the change is seen.
        confidence: 1 - the chance of a false alarm, two-sided.

    Raises:
        ValueError: A share isn't in range.

    Source: Connor (1987), https://doi.org/10.2307/2531961 for the paired test.
    """
    pairs = 2.5 * change if differing is None else differing
    if not (0 < change < 1 and 0 < rate < 1 and change <= pairs <= 1 and 0 <= correlation < 1):
        raise ValueError(
            f"got change {change:g}, rate {rate:g}, differing {pairs:g}, correlation "
            f"{correlation:g}; expected shares, with differing at least the change"
        )
    z_alarm, z_power = NormalDist().inv_cdf((1 + confidence) / 2), NormalDist().inv_cdf(power)
    other = min(1.0, rate + change) if rate + change <= 1 else rate - change
    spread = rate * (1 - rate) + other * (1 - other)
    unpaired = (z_alarm + z_power) ** 2 * spread / change**2
    root = z_alarm * math.sqrt(pairs) + z_power * math.sqrt(pairs - change**2)
    paired = root**2 / change**2
    return Plan(
        unpaired=math.ceil(unpaired),
        paired=math.ceil(paired),
        scored=math.ceil(unpaired * (1 - correlation**2)),
    )
