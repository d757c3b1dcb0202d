"""The scorer over a tiny exported model: its self-test, its windows, its matrix."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.errors import GuardError, SelfTestFailed
from guards.scores import UNSEEN
from guards.verifier import Verifier, load_verifier, windows
from models.config import ModelsConfig
from models.cross_encoder import HEADS
from tests.fakes import PASSAGES, passage
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS
CLAIMS = ["You can return items within 45 days.", "Delivery is free.", "Soap"]
LONG = passage("long", "Long", "soap is refunded. " * 150 + "You can return most items.")


@pytest.fixture(scope="module")
def verifier(tiny_verifier: Path) -> Verifier:
    return Verifier(tiny_verifier, threads=1)


def golden(verifier: Verifier, path: Path, off: float = 0.0, head: str = "") -> Path:
    rows = []
    for name in HEADS:
        scores = verifier.logits(CLAIMS, [p.text for p in (*PASSAGES, LONG)], name)
        for text, found, logit in zip(CLAIMS, (*PASSAGES, LONG), scores, strict=True):
            wrong = off if name == head else 0.0
            row = {"head": name, "first": text, "second": found.text, "logit": float(logit) + wrong}
            rows.append(row)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_the_self_test_passes_on_the_golden_scores(
    verifier: Verifier, tiny_verifier: Path, tmp_path: Path
) -> None:
    again = Verifier(tiny_verifier, golden(verifier, tmp_path / "golden.json"), threads=1)
    assert again.version == tiny_verifier.name


def test_the_golden_scores_saved_by_training_are_the_exports(
    tiny_verifier: Path, tiny_adapter: Path
) -> None:
    Verifier(tiny_verifier, tiny_adapter / "golden.json", threads=1)


@pytest.mark.parametrize("head", HEADS)
def test_other_scores_fail_it(
    verifier: Verifier, tiny_verifier: Path, tmp_path: Path, head: str
) -> None:
    with pytest.raises(SelfTestFailed, match=r"expected .*truepenny models verify"):
        Verifier(tiny_verifier, golden(verifier, tmp_path / "g.json", 0.2, head), threads=1)


def test_the_shipped_way_runs_the_self_test(
    verifier: Verifier, tiny_verifier: Path, tiny_adapter: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("heads.safetensors", "adapter_model.safetensors"):
        (tmp_path / name).write_bytes((tiny_adapter / name).read_bytes())
    monkeypatch.setattr("models.encoder.verifier_onnx", lambda _: tiny_verifier)
    config = ModelsConfig(verifier=str(tmp_path), threads=1)
    golden(verifier, tmp_path / "golden.json")
    assert load_verifier(config).version == tiny_verifier.name
    golden(verifier, tmp_path / "golden.json", 0.2, "answer")
    with pytest.raises(SelfTestFailed):
        load_verifier(config)


def test_the_matrix_is_the_pairs(verifier: Verifier) -> None:
    found = [*PASSAGES, LONG]
    support = verifier.support(CLAIMS, found)
    assert support.shape == (3, 3)
    for row, claim in enumerate(CLAIMS):
        assert verifier.support([claim], found)[0] == pytest.approx(support[row], abs=1e-4)
        assert verifier.support([claim], found[1:2])[0, 0] == pytest.approx(
            support[row, 1], abs=1e-4
        )


def test_a_long_passage_counts_by_its_best_window(verifier: Verifier) -> None:
    best = verifier.support(CLAIMS[:1], [LONG])[0, 0]
    from retrieval.chunk import embedded_text

    cut = [window for _, window in windows(embedded_text(LONG))]
    assert len(cut) > 2
    scores = verifier.logits(CLAIMS[:1] * len(cut), cut, "support")
    assert best == pytest.approx(float(scores.max()), abs=1e-4)


def test_reranking_is_the_answer_head_as_a_probability(verifier: Verifier) -> None:
    chances = verifier.rerank("How long?", PASSAGES)
    odds = verifier.answers("How long?", PASSAGES)
    assert chances == pytest.approx(list(1 / (1 + np.exp(-odds))), abs=1e-6)
    assert all(0 < chance < 1 for chance in chances)


def test_nothing_to_score(verifier: Verifier) -> None:
    assert verifier.logits([], [], "support").shape == (0,)
    assert verifier.support([], PASSAGES).shape == (0, 2)


def test_scores_that_are_no_numbers_raise(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(encodings: Any, batch_tokens: int = 0) -> Any:
        nothing = np.full(2, np.nan, dtype=np.float32)
        return [(nothing, np.zeros(len(item.ids), dtype=np.float32)) for item in encodings]

    monkeypatch.setattr(verifier._session, "outputs", poisoned)
    with pytest.raises(GuardError, match="aren't numbers"):
        verifier.support(["Nobody asked this before."], PASSAGES)


def test_a_pair_met_before_gives_the_same_bits(tiny_verifier: Path) -> None:
    fresh = Verifier(tiny_verifier, threads=1)
    before = fresh.support(CLAIMS, PASSAGES)
    assert (fresh.support([*CLAIMS, "another"], PASSAGES)[:3] == before).all()
    assert (fresh.support(CLAIMS[::-1], PASSAGES[::-1]) == before[::-1, ::-1]).all()
    twice = fresh.logits(["soap", "soap"], ["days", "days"], "answer")
    assert twice[0] == twice[1] != fresh.logits(["soap"], ["days"], "support")[0]


def test_more_pairs_than_are_kept(tiny_verifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guards.verifier.CACHED_PAIRS", 3, raising=False)
    small, plain = Verifier(tiny_verifier, threads=1), Verifier(tiny_verifier, threads=1)
    many = [f"soap {n}" for n in range(9)]
    for _ in range(2):
        assert small.support(many, PASSAGES) == pytest.approx(
            plain.support(many, PASSAGES), abs=1e-4
        )


def test_many_threads_get_the_same_scores(verifier: Verifier) -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [f"threads {n}" for n in range(6)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: verifier.support(texts, PASSAGES), range(8)))
    assert all(part == pytest.approx(found[0], abs=1e-4) for part in found)


def test_any_input_gets_a_finite_score(verifier: Verifier) -> None:
    odd = ["", " ", "\x00\u2028", "中文", "😀" * 500, "a" * 5000, "soap " * 5000]
    assert np.isfinite(verifier.logits(odd, odd[::-1], "support")).all()
    assert np.isfinite(verifier.support(odd, [passage("o", "", text) for text in odd])).all()


@given(words=st.integers(0, 900))
def test_windows_lose_no_word(words: int) -> None:
    text = " ".join(f"w{n}" for n in range(words))
    found = windows(text)
    assert all(text[start:].startswith(part) for start, part in found)
    cut = [part for _, part in found]
    assert {word for part in cut for word in part.split()} == set(text.split())
    assert all(len(part.split()) <= 175 for part in cut)
    assert words > 175 or cut == [text]


def test_evidence_is_a_score_a_sentence_wherever_the_window_lies(verifier: Verifier) -> None:
    spans = [(0, 10), (20, 60), (len(LONG.text) - 30, len(LONG.text))]
    found = verifier.evidence("How long?", LONG, spans)
    assert found.shape == (3,)
    assert np.isfinite(found).all()
    assert np.ptp(found) > 1e-3
    one = verifier.evidence("How long?", LONG, spans[1:2])
    assert one[0] == pytest.approx(found[1], abs=1e-4)


def test_evidence_of_a_stretch_that_no_token_lies_in_is_none(verifier: Verifier) -> None:
    assert verifier.evidence("How long?", PASSAGES[0], [(9000, 9001)])[0] == UNSEEN
