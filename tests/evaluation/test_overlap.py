import json
from pathlib import Path

import numpy as np
import pytest

from evaluation import guard as room
from evaluation.overlap import NAMES, Baselines, BertTokens, rouge_l
from tests.evaluation.fakes import WordEmbedder, guard

EVIDENCE = "Soap is never refunded. Zips are mended while you wait."


class WordTokens:
    """One state a word."""

    name = "words"

    def states(self, text: str):
        return WordEmbedder().embed(text.replace(".", "").split())


def baselines() -> Baselines:
    return Baselines(WordEmbedder(), WordTokens())


def test_rouge_l_is_the_claims_share_of_the_longest_common_subsequence() -> None:
    assert rouge_l("Zips are mended", EVIDENCE) == 1.0
    assert rouge_l("mended zips are", EVIDENCE) == pytest.approx(2 / 3)
    assert rouge_l("...", EVIDENCE) == 0.0


def test_what_is_said_scores_above_what_is_not_by_every_measure() -> None:
    said = baselines().scores("Zips are mended.", [EVIDENCE])
    made_up = baselines().scores("Gloves cost nothing.", [EVIDENCE])
    assert set(said) == set(NAMES)
    assert all(said[name] > made_up[name] + 0.3 for name in NAMES)
    assert said["tokens"] == pytest.approx(1.0)


def test_the_nearest_text_counts_and_none_is_nothing() -> None:
    one = baselines().scores("Zips are mended.", [EVIDENCE])
    both = baselines().scores("Zips are mended.", ["Gloves wash well.", EVIDENCE])
    assert both == pytest.approx(one)
    assert set(baselines().scores("Zips are mended.", ["", " "]).values()) == {0.0}


def test_tokens_beyond_the_first_window_are_seen() -> None:
    long = " ".join(f"word{n}" for n in range(400)) + " Zips are mended."
    assert baselines().scores("Zips are mended.", [long])["tokens"] == pytest.approx(1.0)


def test_they_stand_in_the_same_table() -> None:
    given = [
        {"evidence": EVIDENCE, "claim": claim, "supported": truth, "evidence_hash": "e"}
        for claim, truth in (("Zips are mended.", True), ("Gloves cost nothing.", False))
    ]
    found = room.summary(list(room.rows(given, guard(), baselines())), guard())
    assert [found["auc"][name]["value"] for name in NAMES] == [1.0, 1.0, 1.0]
    (table,) = room.tables({"files": {"f.jsonl": found}})
    assert [line[1] for line in table[1:]] == ["cascade", "verifier", "overlap", *NAMES]
    json.dumps(found)


def test_the_best_kappa_is_that_of_every_threshold() -> None:
    rng = np.random.default_rng(0)
    labels = [bool(x) for x in rng.random(60) < 0.4]
    scores = [round(float(x + 0.3 * y), 1) for x, y in zip(rng.random(60), labels, strict=True)]
    found = room.best_kappa(scores, labels)
    every = [
        room.kappa([str(s >= least) for s in scores], [str(x) for x in labels])["value"]
        for least in set(scores)
    ]
    assert found["value"] == pytest.approx(max(v for v in every if v is not None))
    assert room.best_kappa([0.5, 0.6], [True, True])["threshold"] is None
    assert room.best_kappa([], [])["value"] is None


def test_states_are_of_the_texts_own_tokens_and_of_length_one(tiny_encoder: Path) -> None:
    states = BertTokens(tiny_encoder).states("soap is never refunded")
    assert states.shape == (4, 32)
    assert np.linalg.norm(states, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
