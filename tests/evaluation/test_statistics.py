import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from evaluation.statistics import (
    auc,
    auc_estimate,
    binomial_tail,
    bootstrap,
    clustered_share,
    mcnemar,
    mean,
    percentiles,
    share,
    shown,
    wilson,
)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(pair: tuple[int, int]) -> None:
    k, n = pair
    expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_refuses_what_is_no_share() -> None:
    for k, n in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="successes"):
            wilson(k, n)


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.001, 0.999))
def test_the_binomial_tail_is_scipys(k: int, n: int, p: float) -> None:
    assert binomial_tail(k, n, p) == pytest.approx(binom.cdf(k, n, p), rel=1e-9, abs=1e-300)


def test_the_binomial_tail_in_closed_form() -> None:
    assert binomial_tail(0, 149, 0.02) == pytest.approx(0.98**149)
    assert binomial_tail(5, 5, 0.02) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=80))
def test_mcnemar_is_the_sign_test(pairs: list[tuple[bool, bool]]) -> None:
    found = mcnemar([a for a, _ in pairs], [b for _, b in pairs])
    differ = found["first_only"] + found["second_only"]
    expected = binomtest(found["first_only"], differ).pvalue if differ else 1.0
    assert found["p"] == pytest.approx(expected)
    assert found["n"] == len(pairs)


def test_mcnemar_by_hand() -> None:
    first, second = [True] * 6 + [False], [False] * 5 + [True, True]
    found = mcnemar(first, second)
    assert (found["first_only"], found["second_only"]) == (5, 1)
    assert found["p"] == pytest.approx(2 * 7 / 64)
    with pytest.raises(ValueError, match="zip"):
        mcnemar([True], [])


def test_auc_is_the_share_of_ordered_pairs() -> None:
    assert auc([0.9, 0.4, 0.4, 0.1], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert math.isnan(auc([0.1, 0.2], [True, True]))
    assert auc_estimate([0.1], [True])["value"] is None


def test_the_auc_interval_holds_the_value_and_repeats() -> None:
    rng = np.random.default_rng(1)
    labels = rng.random(200) < 0.5
    scores = labels + rng.normal(size=200)
    first = auc_estimate(scores, labels, resamples=300)
    assert first == auc_estimate(scores, labels, resamples=300)
    assert first["low"] < first["value"] < first["high"]


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    found = mean(list(values))
    half = 1.96 * values.std(ddof=1) / 20
    assert found["low"] == pytest.approx(values.mean() - half, abs=0.03)
    assert found["high"] == pytest.approx(values.mean() + half, abs=0.03)


def test_clusters_widen_the_interval() -> None:
    values = [float(i // 20 % 2) for i in range(400)]
    clusters = [i // 20 for i in range(400)]
    alone, together = mean(values), mean(values, clusters)
    assert together["high"] - together["low"] > 2 * (alone["high"] - alone["low"])


def test_a_clustered_share_never_shrinks_to_a_point() -> None:
    found = clustered_share([True] * 10, [0, 1] * 5)
    assert found["value"] == 1.0
    assert found["low"] < 0.8
    assert clustered_share([], [])["low"] is None


def test_nothing_gives_nothing() -> None:
    assert share([]) == {"value": None, "n": 0, "low": None, "high": None}
    assert mean([])["value"] is None
    assert bootstrap(0, lambda rows: 1.0) is None
    assert bootstrap(3, lambda rows: math.nan, resamples=5) is None
    assert percentiles([]) == {"p50": None, "p95": None, "n": 0}
    assert shown(share([])) == "–"


def test_percentiles_and_how_an_estimate_is_shown() -> None:
    assert percentiles([1.0, 2.0, 3.0]) == {"p50": 2.0, "p95": 2.9, "n": 3}
    assert shown(share([True, False])) == "0.500 [0.095, 0.905] of 2"
