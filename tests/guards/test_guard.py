"""The cascade: whatever can't be checked is unchecked, and facts overrule the verifier."""

import json
from pathlib import Path
from typing import Any

import pytest

from guards.answerability import FEATURES
from guards.claims import claims
from guards.errors import GuardError
from guards.guard import STRICT, Guard, GuardsConfig, Thresholds, load_thresholds
from retrieval.types import Hit
from tests.fakes import FakeVerifier, passage

RETURNS = passage(
    "returns",
    "Returns",
    "You can return most items within 45 days of delivery. Opened soap is never refunded. "
    "Write to help@example.com.",
)
DELIVERY = passage("delivery", "Delivery", "Standard delivery costs €4.95 and takes three days.")
PASSAGES = [RETURNS, DELIVERY]
WEIGHTS = [float(n) for n in range(len(FEATURES))]
QUESTION = "How long can I return items?"
LOOSE = Thresholds(
    support=0.5, answer=0.5, answer_bias=0.0,
    answer_weights=(1.0, *[0.0] * (len(FEATURES) - 1)), verifier="fake-verifier", version="t-1",
)  # fmt: skip
SURE = FakeVerifier(gullible=True)
RESTATED = "Most items can be sent back within 45 days of delivery."


def guard(verifier: Any = SURE, thresholds: Thresholds = LOOSE, **config: Any) -> Guard:
    return Guard(verifier, thresholds, GuardsConfig(**config))


def status(answer: str, **given: Any) -> str:
    return guard(**given).review(answer, PASSAGES).status


def test_a_quote_needs_no_verifier() -> None:
    broken = FakeVerifier(fails={"support": RuntimeError("no session")})
    [verdict] = guard(broken).review("Opened soap is never refunded.", PASSAGES).verdicts
    assert (verdict.status, verdict.guard, verdict.probability) == ("supported", "quote", 1.0)
    assert verdict.evidence
    assert verdict.evidence.passage_id == RETURNS.id
    assert verdict.version == "fake-verifier/t-1"


def test_a_restatement_needs_the_verifier_and_its_threshold() -> None:
    assert status(RESTATED) == "supported"
    assert status(RESTATED, verifier=FakeVerifier()) == "supported"
    doubtful = Guard(FakeVerifier(), STRICT).review(
        "Bring most items to any shop within 45 days of delivery.", PASSAGES
    )
    assert doubtful.status == "unsupported"
    assert "threshold" in doubtful.verdicts[0].reason


@pytest.mark.parametrize(
    "claim",
    [
        "You can return most items within 90 days of delivery.",
        "Standard delivery costs €9.95 and takes three days.",
        "Standard delivery takes five days.",
        "Write to refunds@example.com.",
        "See https://evil.example/returns to return most items.",
        "You can return most items within 45 weeks of delivery.",
    ],
)
def test_facts_overrule_a_sure_verifier(claim: str) -> None:
    [verdict] = guard().review(claim, PASSAGES).verdicts
    assert (verdict.status, verdict.guard) == ("unsupported", "facts")
    assert verdict.probability is not None
    assert verdict.probability > 0.999
    assert verdict.reason


def test_a_name_from_nowhere_overrules_it_too() -> None:
    [verdict] = guard().review("You can return most items at PaperPlaza.", PASSAGES).verdicts
    assert (verdict.status, verdict.guard) == ("unsupported", "names")


def test_the_reverse_is_contradicted() -> None:
    [verdict] = guard().review("Opened soap is refunded.", PASSAGES).verdicts
    assert verdict.status == "contradicted"
    assert "Opened soap is never refunded." in verdict.reason


def test_the_worst_verdict_is_the_reviews() -> None:
    good, bad = "Opened soap is never refunded.", "Delivery takes 90 days."
    against, extra = "Opened soap is refunded.", f"{RESTATED} "
    assert status(f"{good} {extra}") == "supported"
    assert status(f"{good} {bad}") == "unsupported"
    assert status(f"{good} {against} {bad}") == "contradicted"
    failing = FakeVerifier(fails={"support": GuardError("no")})
    assert status(f"{good} {RESTATED}", verifier=failing) == "unchecked"
    assert status("Hello! Is there anything else?") == "supported"
    assert status("") == "supported"


@pytest.mark.parametrize("passages", [[], [passage("e", "Title", "  \n")]])
def test_without_evidence_nothing_is_checked(passages: list[Any]) -> None:
    review = guard().review("Opened soap is never refunded. Yes.", passages)
    assert review.status == "unchecked"
    assert {verdict.status for verdict in review.verdicts} == {"unchecked"}
    assert all("no evidence" in verdict.reason for verdict in review.verdicts)
    assert all(verdict.evidence is None for verdict in review.verdicts)


@pytest.mark.parametrize(
    "fault", [GuardError("not numbers"), RuntimeError("no session"), MemoryError(), TimeoutError()]
)
def test_a_failing_verifier_leaves_all_unchecked(fault: Exception) -> None:
    broken = guard(FakeVerifier(fails={"support": fault}))
    verdicts = broken.judge(claims(f"{RESTATED} Opened soap is never refunded."), PASSAGES)
    assert [verdict.status for verdict in verdicts] == ["unchecked", "unchecked"]
    assert all("the check failed" in verdict.reason for verdict in verdicts)
    assert all(verdict.probability is None for verdict in verdicts)


def test_a_verifier_of_another_shape_leaves_all_unchecked() -> None:
    class Odd(FakeVerifier):
        def support(self, claims: Any, passages: Any) -> Any:
            return super().support([*claims, *claims], passages)

    assert status(RESTATED, verifier=Odd()) == "unchecked"


def test_scores_that_are_no_numbers_support_nothing() -> None:
    assert status(RESTATED, verifier=FakeVerifier(poison=["support"])) != "supported"


def test_beyond_the_most_claims_all_is_unchecked() -> None:
    review = guard(max_claims=2).review("Opened soap is never refunded. " * 5, PASSAGES)
    assert [verdict.status for verdict in review.verdicts] == ["supported"] * 2 + ["unchecked"] * 3
    assert review.status == "unchecked"
    assert "max_claims" in review.verdicts[-1].reason


def test_a_very_long_claim_is_judged_or_unchecked() -> None:
    assert status("many words " * 1_000, verifier=FakeVerifier()) in ("unsupported", "unchecked")


def test_the_same_input_gives_the_same_verdicts_alone_or_together() -> None:
    answer = f"{RESTATED} Delivery takes 90 days. Opened soap is refunded. Yes."
    first = guard(FakeVerifier())
    assert first.review(answer, PASSAGES, QUESTION) == first.review(answer, PASSAGES, QUESTION)
    found = claims(answer, QUESTION)
    together = first.judge(found, PASSAGES, QUESTION)
    assert together == [first.judge([claim], PASSAGES, QUESTION)[0] for claim in found]


def test_answerable_weighs_the_verifier_and_the_signals() -> None:
    hits = [Hit(passage=found, score=1.0, rank=n) for n, found in enumerate(PASSAGES, 1)]
    asked = guard(FakeVerifier())
    near = asked.answerable("return items within 45 days", hits, (0.0, 0.0))
    far = asked.answerable("who painted the ceiling", hits, (0.0, 0.0))
    assert 0 <= far < 0.5 < near <= 1


def test_review_tells_whether_the_question_is_answered() -> None:
    review = guard(FakeVerifier()).review("Opened soap is never refunded.", PASSAGES, QUESTION)
    assert review.answerable is not None
    assert 0 <= review.answerable <= 1
    assert guard().review("Opened soap is never refunded.", PASSAGES).answerable is None


@pytest.mark.parametrize("fault", [GuardError("not numbers"), RuntimeError("no session")])
def test_a_review_never_raises(fault: Exception) -> None:
    broken = guard(FakeVerifier(fails=dict.fromkeys(("support", "rerank", "answers"), fault)))
    review = broken.review(RESTATED, PASSAGES, QUESTION)
    assert (review.status, review.answerable) == ("unchecked", None)


def _artefact(path: Path, **changes: Any) -> GuardsConfig:
    row = {
        "support": 0.4, "answer": 0.3, "answer_bias": 0.1, "answer_weights": WEIGHTS,
        "verifier": "fake-verifier", "tokenizer": "fake-tokenizer", "version": "t-9",
        "measured": {"rows": 7},
    }  # fmt: skip
    path.write_text(json.dumps({**row, **changes}), encoding="utf-8")
    return GuardsConfig(thresholds=str(path))


def test_thresholds_of_this_verifier_are_taken(tmp_path: Path) -> None:
    found = load_thresholds(_artefact(tmp_path / "t.json"), FakeVerifier())  # type: ignore[arg-type]
    assert (found.version, found.support, found.answer_weights) == ("t-9", 0.4, tuple(WEIGHTS))


def test_thresholds_of_another_verifier_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = _artefact(tmp_path / "t.json", verifier="another")
    assert load_thresholds(config, FakeVerifier()) is STRICT  # type: ignore[arg-type]
    assert "another" in caplog.text
    assert "strict" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"support": 0.5}', "\ufeff\x00"])
def test_damaged_thresholds_give_way_to_the_strict_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = tmp_path / "t.json"
    path.write_text(text, encoding="utf-8")
    config = GuardsConfig(thresholds=str(path))
    assert load_thresholds(config, FakeVerifier()) is STRICT  # type: ignore[arg-type]
    path.unlink()
    assert load_thresholds(config, FakeVerifier()) is STRICT  # type: ignore[arg-type]
    assert load_thresholds(_artefact(path, more=1), FakeVerifier()) is STRICT  # type: ignore[arg-type]
    assert caplog.text.count("strict") == 3


def test_the_strict_ones_are_strict() -> None:
    assert STRICT.support >= 0.95
    assert STRICT.answer >= 0.9
