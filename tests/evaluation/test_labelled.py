import numpy as np
import pytest

from evaluation.labelled import plan, powered_mean, supported_share
from evaluation.questions import InputError
from evaluation.statistics import clustered_share, mean, share


def covered(draw, truth: float, runs: int) -> float:
    rng = np.random.default_rng(11)
    found = [draw(rng) for _ in range(runs)]
    return float(np.mean([e["low"] <= truth <= e["high"] for e in found]))


def rows(rng, n: int, rate: float, agree: float):
    """Labels, and scores that agree with them so often."""
    labels = rng.random(n) < rate
    return labels.astype(float), np.where(rng.random(n) < agree, labels, ~labels).astype(float)


def test_wilson_covers() -> None:
    assert 0.93 <= covered(lambda r: share(list(r.random(300) < 0.85)), 0.85, 1000) <= 0.97


def test_the_bootstrap_by_conversation_covers() -> None:
    def draw(rng):
        rates = np.repeat(rng.beta(8, 2, 80), 3)  # three sentences of an answer are alike
        return mean(list((rng.random(240) < rates).astype(float)), list(np.arange(240) // 3))

    assert 0.93 <= covered(draw, 0.8, 250) <= 0.97


def test_a_clustered_share_is_never_too_narrow() -> None:
    def draw(rng):
        flags = np.repeat(rng.random(60) < 0.8, 3)
        return clustered_share(list(flags), list(np.arange(180) // 3))

    assert covered(draw, 0.8, 80) >= 0.92


def test_prediction_powered_intervals_cover_though_the_scores_are_biased() -> None:
    def draw(rng):
        labels, scores = rows(rng, 200, 0.9, 0.8)
        _, rest = rows(rng, 2000, 0.9, 0.8)
        return powered_mean(labels, scores, rest)

    assert 0.93 <= covered(draw, 0.9, 2000) <= 0.97


def test_good_scores_narrow_the_interval_and_bad_ones_do_not_widen_it() -> None:
    rng = np.random.default_rng(5)

    def width(agree: float) -> float:
        labels, scores = rows(rng, 300, 0.8, agree)
        found = powered_mean(labels, scores, rows(rng, 6000, 0.8, agree)[1])
        return found["high"] - found["low"]

    alone = 2 * 1.97 * np.sqrt(0.16 / 300)
    assert width(0.98) < 0.6 * alone
    assert width(0.5) == pytest.approx(alone, rel=0.15)


def test_without_more_scores_it_is_the_labels_mean() -> None:
    found = powered_mean([1, 0, 1, 1], [1, 1, 1, 1], [])
    assert found["value"] == 0.75
    assert powered_mean([1, 0, 1, 1], [1, 1, 1, 1], [1, 1])["value"] == 0.75
    with pytest.raises(ValueError, match="at least 2"):
        powered_mean([1], [1], [])


def test_the_plan_finds_what_it_promises() -> None:
    found = plan(0.05, 0.8, 0.09)
    rng = np.random.default_rng(2)
    from evaluation.statistics import mcnemar

    seen = []
    for _ in range(200):
        kind = rng.random(found.paired)
        lost, won = kind < 0.07, (kind >= 0.07) & (kind < 0.09)
        seen.append(mcnemar(list(~won), list(~lost))["p"] <= 0.05)
    assert 0.70 <= np.mean(seen) <= 0.88  # the exact test is a little more careful than planned
    assert found.unpaired > found.paired
    assert plan(0.02, 0.95, correlation=0.8).scored < plan(0.02, 0.95).scored
    for wrong in ({"change": 0}, {"rate": 1.0}, {"differing": 0.01}, {"correlation": 1.0}):
        with pytest.raises(ValueError, match="expected shares"):
            plan(**{"change": 0.05, "rate": 0.8, **wrong})


def run_and_labels(n: int, labelled: int, raters: int = 1):
    """Answers of one sentence, 70 % of them supported; scores that are right nine times of ten."""
    rng = np.random.default_rng(5)
    truth, scores = rows(rng, n, 0.7, 0.9)
    run = [
        {"line": k, "verdicts": [{"probability": s, "status": "x", "guard": "verifier"}]}
        for k, s in enumerate(scores, start=1)
    ]
    said = {
        f"{k}/1": "supported" if truth[k - 1] else "unsupported" for k in range(1, labelled + 1)
    }
    return run, {f"rater {k}": said for k in range(raters)}


def test_scores_narrow_what_few_labels_say() -> None:
    run, labels = run_and_labels(2000, 100)
    found = supported_share(run, labels)
    wide, narrow = found["labels_alone"], found["with_scores"]
    assert narrow["high"] - narrow["low"] < 0.8 * (wide["high"] - wide["low"])
    assert narrow["low"] < 0.7 < narrow["high"]
    assert (found["labelled"], found["scored"], found["unscored"]) == (100, 2000, 0)
    assert 0.6 < found["correlation"] < 0.95
    assert supported_share(*run_and_labels(2000, 100, raters=2)) == found


def test_what_is_unclear_or_unscored_counts_apart() -> None:
    run, labels = run_and_labels(50, 10)
    run[0]["verdicts"][0]["probability"] = None
    labels["rater 0"]["2/1"] = "unclear"
    found = supported_share(run, labels)
    assert (found["labelled"], found["unscored"]) == (8, 1)


def test_labels_of_another_run_are_wrong_use() -> None:
    run, _ = run_and_labels(5, 0)
    with pytest.raises(InputError, match="got 0 labels of the 5"):
        supported_share(run, {"ann": {"other/1": "supported"}})
