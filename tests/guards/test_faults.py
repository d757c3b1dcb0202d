"""Every part of the guard fails in every way that we know of; nothing becomes "supported"."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guards import clock
from guards.errors import GuardError, SelfTestFailed
from guards.guard import STRICT, Guard, GuardsConfig, load_guard, load_thresholds
from guards.selftest import self_test
from models.config import ModelsConfig
from retrieval.types import Hit
from tests.fakes import FakeVerifier, passage
from tests.guards.test_guard import LOOSE, PASSAGES, QUESTION, RESTATED

ANSWER = f"{RESTATED} Bring most items to a shop. Delivery takes three days for most of you."
HITS = [Hit(passage=found, score=1.0, rank=n) for n, found in enumerate(PASSAGES, 1)]
Fault = Callable[[np.ndarray], Any]

FAULTS: dict[str, Fault] = {
    "nan": lambda scores: np.full_like(scores, np.nan),
    "one nan": lambda scores: np.concatenate([[np.nan], scores.ravel()[1:]]).reshape(scores.shape),
    "inf": lambda scores: np.full_like(scores, np.inf),
    "too few rows": lambda scores: scores[:-1],
    "too many rows": lambda scores: np.concatenate([scores, scores]),
    "too few columns": lambda scores: scores[..., :1] if scores.ndim > 1 else scores[:1],
    "another shape": lambda scores: scores.reshape(-1, 1, 1),
    "flat": lambda scores: scores.ravel()[:-1],
    "nothing": lambda scores: np.zeros(0, dtype=np.float32),
    "none": lambda scores: None,
    "a list": lambda scores: "scores",
    "saturated": lambda scores: np.full_like(scores, 127.0),
}


class Faulty(FakeVerifier):
    """A sure verifier whose scores are spoilt."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(gullible=True)
        self.fault = fault

    def _made(self, method: str, odds: Any) -> Any:
        return self.fault(super()._made(method, odds))


class Hanging(FakeVerifier):
    """Never comes back."""

    def __init__(self, release: threading.Event) -> None:
        super().__init__(gullible=True)
        self.release = release

    def _made(self, method: str, odds: Any) -> np.ndarray:
        self.release.wait(30)
        return super()._made(method, odds)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
    for worker in list(clock._abandoned):
        worker.join(5)


def guard(verifier: Any, **config: Any) -> Guard:
    return Guard(verifier, LOOSE, GuardsConfig(**config))


def assert_unchecked(checked: Guard) -> None:
    review = checked.review(ANSWER, PASSAGES, QUESTION)
    assert review.status == "unchecked"
    assert len(review.verdicts) == 3
    for verdict in review.verdicts:
        assert verdict.status == "unchecked"
        assert verdict.probability is None
        assert verdict.evidence is None
        assert verdict.reason


def test_without_a_fault_the_same_verifier_supports_it() -> None:
    assert guard(FakeVerifier(gullible=True)).review(RESTATED, PASSAGES).status == "supported"


@pytest.mark.parametrize("name", FAULTS)
def test_spoilt_scores_leave_all_unchecked(name: str) -> None:
    assert_unchecked(guard(Faulty(FAULTS[name])))


@pytest.mark.parametrize("name", FAULTS)
def test_spoilt_scores_answer_no_question(name: str) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the reply declines
        guard(Faulty(FAULTS[name])).answerable(QUESTION, HITS, (1.0, 1.0))


@pytest.mark.parametrize(
    "fault", [RuntimeError("no session"), GuardError("no"), MemoryError(), OSError(5, "I/O"),
              RecursionError(), KeyError("pair"), SystemExit(1)],
    ids=lambda fault: type(fault).__name__,
)  # fmt: skip
def test_errors_leave_all_unchecked(fault: Any) -> None:
    if isinstance(fault, SystemExit):
        with pytest.raises(SystemExit):  # somebody wants the process to end: nothing is said
            guard(FakeVerifier(fails={"support": fault})).review(RESTATED, PASSAGES)
        return
    fails = dict.fromkeys(("support", "rerank", "answers", "logits"), fault)
    assert_unchecked(guard(FakeVerifier(fails=fails)))


def test_a_hanging_verifier_leaves_all_unchecked(release: threading.Event) -> None:
    checked = guard(Hanging(release), reply_seconds=0.05)
    assert_unchecked(checked)
    with pytest.raises(GuardError, match=r"within the 0\.05 s"):
        checked.answerable(QUESTION, HITS, (1.0, 1.0))


def test_one_reply_has_one_time(release: threading.Event) -> None:
    timed = guard(Hanging(release), reply_seconds=0.05).timed()
    assert_unchecked(timed)
    assert timed.seconds_left == 0
    timed.verifier = FakeVerifier(gullible=True)  # type: ignore[assignment]
    verdict = timed.review(RESTATED, PASSAGES).verdicts[0]
    assert (verdict.status, "are over" in verdict.reason) == ("unchecked", True)


@pytest.mark.parametrize(
    "passages",
    [[], [passage("e", "", "")], [passage("e", "Title", " \n\t")], [passage("e", RESTATED, "")]],
)
def test_empty_evidence_supports_nothing(passages: list[Any]) -> None:
    review = guard(FakeVerifier(gullible=True)).review(RESTATED, passages)
    assert review.status == "unchecked"


@pytest.mark.parametrize(
    "changes",
    [
        {"support": float("nan")}, {"support": None}, {"support": 0}, {"support": 1},
        {"support": "0"}, {"answer": -0.1}, {"answer": True}, {"answer_bias": None},
        {"answer_bias": float("inf")},
        {"answer_weights": []}, {"answer_weights": ["a"]}, {"answer_weights": None},
        {"verifier": "another"}, {"verifier": None}, {"tokenizer": "another"}, {"tokenizer": ""},
        {"tokenizer": None}, {"unknown": 1},
    ],
    ids=str,
)  # fmt: skip
def test_thresholds_that_do_not_fit_give_way_to_the_strict_ones(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    from tests.guards.test_guard import _artefact

    config = _artefact(tmp_path / "t.json", **changes)
    assert load_thresholds(config, FakeVerifier()) is STRICT  # type: ignore[arg-type]


def test_thresholds_without_a_tokenizer_give_way_too(tmp_path: Path) -> None:
    from tests.guards.test_guard import _artefact

    path = tmp_path / "t.json"
    config = _artefact(path)
    path.write_text(path.read_text().replace('"tokenizer": "fake-tokenizer", ', ""))
    assert load_thresholds(config, FakeVerifier()) is STRICT  # type: ignore[arg-type]


def test_the_start_up_test_passes_a_verifier_that_can_tell() -> None:
    self_test(FakeVerifier())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FAULTS)
def test_the_start_up_test_refuses_spoilt_scores(name: str) -> None:
    with pytest.raises(SelfTestFailed, match="truepenny models verify"):
        self_test(Faulty(FAULTS[name]))  # type: ignore[arg-type]


def test_a_verifier_that_says_yes_to_all_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = FakeVerifier(gullible=True)
    monkeypatch.setattr("guards.verifier.load_verifier", lambda _: verifier)
    with pytest.raises(SelfTestFailed, match=r"can't tell .*truepenny models verify"):
        load_guard(ModelsConfig(), GuardsConfig())


def test_a_verifier_that_can_tell_starts_strict_without_its_thresholds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("guards.verifier.load_verifier", lambda _: FakeVerifier())
    assert load_guard(ModelsConfig(), GuardsConfig()).thresholds is STRICT


def test_log_odds_beyond_reason_are_a_fault() -> None:
    review = guard(Faulty(lambda scores: scores * 10)).review(RESTATED, PASSAGES)
    assert "log-odds over 50" in review.verdicts[0].reason


def test_facts_that_raise_leave_all_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("check", "contradiction", "unknown_names", "closest", "verbatim"):
        with monkeypatch.context() as patch:

            def fail(*_: Any, **__: Any) -> None:
                raise RuntimeError("broken")

            patch.setattr(f"guards.guard.{part}", fail)
            assert_unchecked(guard(FakeVerifier(gullible=True)))


def test_odd_weights_answer_no_question() -> None:
    for weights in ((float("nan"),) * 4, ()):
        odd = Guard(FakeVerifier(), replace(LOOSE, answer_weights=weights))  # type: ignore[arg-type]
        with pytest.raises(Exception):  # noqa: B017
            odd.answerable(QUESTION, HITS, (1.0, 1.0))
