"""Intervals and tests: Wilson, bootstrap, exact McNemar, the exact binomial tail, AUC."""

import math
from collections.abc import Callable, Hashable, Sequence
from statistics import NormalDist
from typing import TypedDict

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
CONFIDENCE = 0.95
Rows = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


class Estimate(TypedDict):
    """A metric over `n` rows and its 95 % interval; None where there is nothing to measure."""

    value: float | None
    n: int
    low: float | None
    high: float | None


class Paired(TypedDict):
    """An exact McNemar test: the pairs that only one side got, and the two-sided p-value."""

    n: int
    first_only: int
    second_only: int
    p: float


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The Wilson score interval of a share.

    Raises:
        ValueError: n is 0, or successes isn't in 0 to n.

    Source: Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"got {successes} successes of {n}; expected 0 <= successes <= n, n > 0")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return low, 1.0 if successes == n else min(1.0, middle + half)


def share(flags: Sequence[bool]) -> Estimate:
    """The share of true flags with its Wilson interval."""
    n = len(flags)
    if not n:
        return Estimate(value=None, n=0, low=None, high=None)
    low, high = wilson(sum(flags), n)
    return Estimate(value=sum(flags) / n, n=n, low=low, high=high)


def clustered_share(flags: Sequence[bool], clusters: Sequence[Hashable]) -> Estimate:
    """A share of rows that come in clusters, such as the sentences of an answer.

    The interval reaches to the wider ends of Wilson's and the clustered bootstrap's: the first
    takes the rows for independent, the second shrinks to a point where all flags are alike.
    """
    found = share(flags)
    spread = mean([float(flag) for flag in flags], clusters)
    ends = [(e["low"], e["high"]) for e in (found, spread)]
    lows, highs = [a for a, _ in ends if a is not None], [b for _, b in ends if b is not None]
    return {**found, "low": min(lows, default=None), "high": max(highs, default=None)}


def bootstrap(
    n: int,
    statistic: Callable[[Rows], float],
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """The 95 % percentile interval of any statistic of rows; the same seed, the same interval.

    Args:
        n: How many rows there are.
        statistic: Of row numbers, which may repeat; nan where it isn't defined (left out).
        clusters: One label a row; rows of a label are drawn together, since they aren't
            independent.
        seed: Of the resampling.
        resamples: How many.

    Returns:
        None when there are no rows or the statistic is defined for no resample.
    """
    if not n:
        return None
    groups = _groups(n, clusters)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        picked = rng.integers(0, len(groups), len(groups))
        rows = picked if clusters is None else np.concatenate([groups[i] for i in picked])
        values.append(statistic(rows))
    found = np.array([value for value in values if not math.isnan(value)])
    if not found.size:
        return None
    low, high = np.quantile(found, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def mean(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, seed: int = 0
) -> Estimate:
    """The mean with its bootstrap interval."""
    numbers = np.asarray(values, dtype=np.float64)
    groups = _groups(len(numbers), clusters)
    sums = np.array([numbers[rows].sum() for rows in groups])
    sizes = np.array([len(rows) for rows in groups])
    # of sums by cluster, which is the same as of rows and a hundred times as fast
    found = bootstrap(len(groups), lambda i: float(sums[i].sum() / sizes[i].sum()), seed=seed)
    if found is None:
        return Estimate(value=None, n=0, low=None, high=None)
    return Estimate(value=float(numbers.mean()), n=len(numbers), low=found[0], high=found[1])


def auc(scores: Sequence[float] | Numbers, labels: Sequence[bool] | Numbers) -> float:
    """The chance that a positive scores above a negative, ties counting half; nan without both.

    Source: Hanley & McNeil (1982), https://doi.org/10.1148/radiology.143.1.7063747
    """
    numbers, positive = np.asarray(scores, np.float64), np.asarray(labels, bool)
    ups, downs = int(positive.sum()), int((~positive).sum())
    if not ups or not downs:
        return math.nan
    _, where, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return float((ranks[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def auc_estimate(
    scores: Sequence[float],
    labels: Sequence[bool],
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> Estimate:
    """The AUC with its bootstrap interval; None where one class is missing."""
    numbers, positive = np.asarray(scores, np.float64), np.asarray(labels, bool)
    value = auc(numbers, positive)
    if math.isnan(value):
        return Estimate(value=None, n=len(numbers), low=None, high=None)
    found = bootstrap(
        len(numbers), lambda rows: auc(numbers[rows], positive[rows]), clusters, seed, resamples
    )
    low, high = found or (None, None)
    return Estimate(value=value, n=len(numbers), low=low, high=high)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """The exact two-sided McNemar test of paired outcomes.

    Raises:
        ValueError: The two aren't of one length.

    Source: McNemar (1947), https://doi.org/10.1007/BF02295996; the binomial of the pairs that
        differ, doubled and cut at 1.
    """
    pairs = list(zip(first, second, strict=True))
    ours = sum(a and not b for a, b in pairs)
    theirs = sum(b and not a for a, b in pairs)
    p = min(1.0, 2 * binomial_tail(min(ours, theirs), ours + theirs, 0.5))
    return Paired(n=len(pairs), first_only=ours, second_only=theirs, p=p)


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p), 0 < p < 1, exact up to rounding."""
    if k >= n:
        return 1.0
    odds = math.log(p) - math.log1p(-p)
    term = n * math.log1p(-p)  # log P(X = 0)
    terms = [term]
    for i in range(k):
        term += math.log(n - i) - math.log(i + 1) + odds
        terms.append(term)
    top = max(terms)
    return min(1.0, math.exp(top) * math.fsum(math.exp(value - top) for value in terms))


def percentiles(values: Sequence[float]) -> dict[str, float | int | None]:
    """The median and the 95th percentile, and of how many."""
    if not len(values):
        return {"p50": None, "p95": None, "n": 0}
    p50, p95 = np.quantile(np.asarray(values, dtype=np.float64), [0.5, 0.95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "n": len(values)}


def shown(estimate: Estimate) -> str:
    """An estimate for people: 0.812 [0.755, 0.858] of 200."""
    if estimate["value"] is None:
        return "–"
    low, high = estimate["low"], estimate["high"]
    ends = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{estimate['value']:.3f}{ends} of {estimate['n']}"


def _groups(n: int, clusters: Sequence[Hashable] | None) -> list[Rows]:
    if clusters is None:
        return [np.array([row]) for row in range(n)]
    members: dict[Hashable, list[int]] = {}
    for row, label in zip(range(n), clusters, strict=True):
        members.setdefault(label, []).append(row)
    return [np.array(rows) for rows in members.values()]
