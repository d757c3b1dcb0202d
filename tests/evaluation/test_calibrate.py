import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from evaluation import calibrate as room
from guards.guard import Guard, GuardsConfig, load_thresholds
from tests.evaluation.fakes import WordVerifier, guard

RISK, CONFIDENCE = 0.02, 0.95


def claims(rng: np.random.Generator, n: int, sharp: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels that are likelier to be unsupported the lower the score."""
    scores = rng.beta(0.6, 0.4, n)
    return scores, rng.random(n) < (1 - scores) ** sharp * 0.9


@pytest.mark.parametrize(("n", "sharp"), [(800, 1.0), (3000, 1.0), (3000, 0.5), (3000, 3.0)])
def test_the_promise_is_broken_in_at_most_one_of_twenty_draws(n: int, sharp: float) -> None:
    rng = np.random.default_rng(7)
    scores, bad = claims(rng, 400_000, sharp)
    order = np.argsort(-scores)
    risks = np.cumsum(bad[order]) / np.arange(1, len(order) + 1)
    runs, broken, chosen = 400, 0, 0
    for _ in range(runs):
        drawn = rng.choice(len(scores), n, replace=False)
        found = room.choose(scores[drawn], bad[drawn], risk=RISK, confidence=CONFIDENCE)
        if found:
            chosen += 1
            accepted = np.searchsorted(-scores[order], -found.threshold, side="right")
            broken += bool(risks[accepted - 1] > RISK)
    assert broken <= (1 - CONFIDENCE) * runs
    assert chosen or sharp < 1


def test_the_lowest_passing_threshold_is_chosen() -> None:
    scores = [0.95] * 400 + [0.6] * 400 + [0.3] * 400
    bad = [False] * 800 + [True] * 200 + [False] * 200
    found = room.choose(scores, bad, risk=RISK, confidence=CONFIDENCE)
    assert found is not None
    assert 0.3 < found.threshold < 0.32
    assert (found.accepted, found.unsupported) == (800, 0)
    assert found.p_value == pytest.approx(binom.cdf(0, 800, RISK))


def test_no_threshold_is_chosen_where_none_can_be_promised() -> None:
    assert room.choose([0.9] * 100, [False] * 100, risk=RISK, confidence=CONFIDENCE) is None
    bad = [i % 10 == 0 for i in range(1000)]
    assert room.choose([0.9] * 1000, bad, risk=RISK, confidence=CONFIDENCE) is None
    assert room.choose([], [], risk=RISK, confidence=CONFIDENCE) is None


def test_quotes_do_not_hide_a_verifier_that_errs() -> None:
    scores = [1.0] * 5000 + [0.9] * 500
    bad = [False] * 5000 + [i % 10 == 0 for i in range(500)]
    quoted = [True] * 5000 + [False] * 500
    common = {"risk": RISK, "confidence": CONFIDENCE}
    assert room.choose(scores, bad, quoted=quoted, **common) is None
    assert room.choose(scores, bad, **common) is not None


def test_the_first_test_needs_enough_claims() -> None:
    assert room.least_accepted(100, RISK, CONFIDENCE) == 149
    assert room.least_accepted(2000, RISK, CONFIDENCE) == 200
    most = room.least_accepted(10**6, RISK, CONFIDENCE)
    assert binom.cdf(int(most * RISK / 2), most, RISK) <= 0.05


def judged(probability: float, supported: bool, by: str = "verifier", copies: int = 1) -> list:
    verdict = {"guard": by, "probability": probability}
    return [{"supported": supported, "verdicts": [verdict]}] * copies


ROWS = [
    *judged(0.9, True, copies=600),
    *judged(0.2, False, copies=300),
    *judged(0.99, False, by="facts", copies=50),
    *judged(1.0, True, by="quote", copies=50),
]


def test_scores_of_rows() -> None:
    two = {"verdicts": [{"guard": "quote", "probability": 1.0},
                        {"guard": "verifier", "probability": 0.7}]}  # fmt: skip
    assert room.score(two) == (0.7, False)
    assert room.score(judged(1.0, True, by="quote")[0]) == (1.0, True)
    assert room.score(judged(0.99, False, by="facts")[0]) == (0.0, False)
    assert room.score({"verdicts": [{"guard": "none", "probability": None}]}) == (0.0, False)


def test_the_cost_is_measured() -> None:
    found = room.calibrate(ROWS, risk=RISK, confidence=CONFIDENCE)
    assert found is not None
    assert 0.2 < found["threshold"] < 0.22
    assert (found["accepted"], found["quotes"], found["unsupported"]) == (650, 50, 0)
    assert found["answer_rate"]["value"] == 1.0
    assert found["unsupported_among_verified"]["n"] == 600


def test_the_artefact_is_what_the_guard_loads(tmp_path: Path) -> None:
    found = room.calibrate(ROWS, risk=RISK, confidence=CONFIDENCE)
    given, tokenizer = tmp_path / "set.jsonl", tmp_path / "tokenizer.json"
    given.write_text("x")
    tokenizer.write_text("y")
    thresholds = room.artefact(guard(), found, [given], tokenizer)
    room.write(thresholds, tmp_path / "deep" / "thresholds.json")
    config = GuardsConfig(thresholds=str(tmp_path / "deep" / "thresholds.json"))
    loaded = load_thresholds(config, WordVerifier())
    assert loaded.support == found["threshold"]
    assert (loaded.answer, loaded.answer_bias) == (0.4, 0.25)
    assert loaded.answer_weights == (1.0, 0.0, 0.0, 2.0, 0.0)
    assert loaded.verifier == "fake-1"
    assert loaded.measured["answer"] == {"rows": 7}
    assert len(loaded.measured["support"]["calibration_sha256"]) == 64
    assert loaded.version.startswith("ltt-0.02-")
    assert room.artefact(guard(), found, [tokenizer], tokenizer).version != loaded.version
    assert isinstance(Guard(WordVerifier(), loaded), Guard)
    written = json.loads((tmp_path / "deep" / "thresholds.json").read_text())
    (table,) = room.tables(written)
    assert table[1] == ["support threshold", f"{loaded.support:g}"]
