"""The cascade: whole quotes, then exact facts, then the trained verifier. Each may say no.

A check that can't be made gives `unchecked` with its reason, never `supported`.
"""

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from guards.answerability import FEATURES, features
from guards.claims import claims as claims_of
from guards.errors import GuardError
from guards.facts import check, contradiction, unknown_names
from guards.quotes import closest, verbatim
from guards.types import Claim, Evidence, Review, Status, Verdict
from guards.verifier import Verifier
from models.config import ModelsConfig, Section
from retrieval.types import Hit, Passage

log = logging.getLogger("truepenny.guards")
THRESHOLDS = Path(__file__).parent / "thresholds.json"
MAX_CLAIM_CHARS = 1000
_TOO_LONG = f"a sentence of more than {MAX_CLAIM_CHARS} characters can't be checked"
_WORST: tuple[Status, ...] = ("contradicted", "unsupported", "unchecked", "supported")


class GuardsConfig(Section):
    """How strict the guard is.

    `thresholds` names the artefact; the packaged one by default. `max_claims` a review; a longer
    answer is `unchecked` beyond it.
    """

    thresholds: str = "default"
    max_claims: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Calibrated decisions. Probabilities; weights are of a logistic regression.

    `answer_weights` go with `guards.answerability.FEATURES`, after `answer_bias`.
    """

    support: float
    answer: float
    answer_bias: float
    answer_weights: tuple[float, ...]
    verifier: str
    version: str
    measured: dict[str, object] = field(default_factory=dict)


STRICT = Thresholds(
    support=0.98, answer=0.95, answer_bias=0.0, answer_weights=(1.0, *(0.0 for _ in FEATURES[1:])),
    verifier="", version="strict",
)  # fmt: skip


class Guard:
    """Reviews answers against passages. Deterministic: the same input, the same verdicts."""

    def __init__(
        self,
        verifier: Verifier,
        thresholds: Thresholds = STRICT,
        config: GuardsConfig | None = None,
    ) -> None:
        self.verifier = verifier
        self.thresholds = thresholds
        self.config = config or GuardsConfig()
        self.version = f"{verifier.version}/{thresholds.version}"

    def review(
        self, answer: str, passages: Sequence[Passage], question: str | None = None
    ) -> Review:
        """Checks every claim of an answer; see `judge`."""
        found = claims_of(answer, question)
        most = self.config.max_claims
        verdicts = self.judge(found[:most], passages, question or "", said=answer)
        late = "more claims than [guards] max_claims"
        verdicts += [self._unchecked(claim, late) for claim in found[most:]]
        answerable = self._answer_chance(question, passages)
        found_statuses: list[Status] = [verdict.status for verdict in verdicts]
        status: Status = min(found_statuses, key=_WORST.index, default="supported")
        return Review(verdicts=tuple(verdicts), answerable=answerable, status=status)

    def judge(
        self,
        claims: Sequence[Claim],
        passages: Sequence[Passage],
        question: str = "",
        said: str = "",
    ) -> list[Verdict]:
        """One verdict a claim, in order; whatever goes wrong becomes `unchecked`.

        Args:
            claims: Of one answer.
            passages: The evidence.
            question: What was asked.
            said: The whole answer, where the claims are part of one.
        """
        if not claims:
            return []
        if not any(passage.text.strip() for passage in passages):
            return [self._unchecked(claim, "no evidence to check against") for claim in claims]
        try:
            return self._cascade(claims, passages, question, said)
        except Exception as error:
            log.warning("a check failed", exc_info=not isinstance(error, GuardError))
            return [self._unchecked(claim, f"the check failed: {error}") for claim in claims]

    def answerable(self, question: str, hits: Sequence[Hit], signals: Sequence[float]) -> float:
        """Probability that the hits answer the question; see `guards.answerability`."""
        found = features(self.verifier, question, hits, signals)
        odds = sum(w * x for w, x in zip(self.thresholds.answer_weights, found, strict=True))
        if not math.isfinite(odds):
            raise GuardError("answerability is not a number; check the model")
        return 1 / (1 + math.exp(-odds - self.thresholds.answer_bias))

    def _answer_chance(self, question: str | None, passages: Sequence[Passage]) -> float | None:
        if not question or not passages:
            return None
        try:
            return float(np.max(self.verifier.rerank(question, passages)))
        except Exception:  # noqa: BLE001 - shown beside the verdicts, never part of a decision
            log.warning("the answerability of a reviewed answer can't be judged")
            return None

    def _cascade(
        self, claims: Sequence[Claim], passages: Sequence[Passage], question: str, said: str
    ) -> list[Verdict]:
        quotes = [verbatim(claim.text, passages, said) for claim in claims]
        rest = [claim for claim, quote in zip(claims, quotes, strict=True) if quote is None]
        short = [claim for claim in rest if len(claim.text) <= MAX_CLAIM_CHARS]
        scored = dict(zip(map(id, short), self._verify(short, passages, question), strict=True))
        return [
            self._verdict(claim, "supported", 1.0, quote, "verbatim quote", "quote")
            if quote
            else scored.get(id(claim), self._unchecked(claim, _TOO_LONG))
            for claim, quote in zip(claims, quotes, strict=True)
        ]

    def _verify(
        self, claims: Sequence[Claim], passages: Sequence[Passage], question: str
    ) -> list[Verdict]:
        if not claims:
            return []
        logits = self.verifier.support([claim.standalone for claim in claims], passages)
        verdicts = []
        for claim, row in zip(claims, logits, strict=True):
            if not np.isfinite(row).all():
                verdicts.append(self._unchecked(claim, "the verifier's score is not a number"))
                continue
            best = int(np.argmax(row))
            chance = 1 / (1 + float(np.exp(-row[best])))
            evidence = closest(claim.standalone, passages[best])
            verdicts.append(self._decide(claim, chance, evidence, passages[best], question))
        return verdicts

    def _decide(
        self, claim: Claim, chance: float, evidence: Evidence, passage: Passage, question: str
    ) -> Verdict:
        """Exact facts veto; what they let pass needs the verifier's yes."""
        text = f"{passage.title}\n{' > '.join(passage.headings)}\n{passage.text}"
        facts = check(claim.text, [text], question)
        if not facts.ok:
            return self._verdict(claim, "unsupported", chance, evidence, facts.reason, "facts")
        against = contradiction(claim.text, [passage.text], question)
        if against:
            reason = f"the evidence says otherwise: {against}"
            return self._verdict(claim, "contradicted", chance, evidence, reason, "polarity")
        names = unknown_names(claim.text, [text], question)
        if names:
            reason = f"not named in the evidence: {', '.join(names)}"
            return self._verdict(claim, "unsupported", chance, evidence, reason, "names")
        if chance >= self.thresholds.support:
            return self._verdict(claim, "supported", chance, evidence, "entailed", "verifier")
        reason = f"support {chance:.2f} is under the threshold {self.thresholds.support:.2f}"
        return self._verdict(claim, "unsupported", chance, evidence, reason, "verifier")

    def _unchecked(self, claim: Claim, reason: str) -> Verdict:
        return self._verdict(claim, "unchecked", None, None, reason, "none")

    def _verdict(
        self,
        claim: Claim,
        status: Status,
        probability: float | None,
        evidence: Evidence | None,
        reason: str,
        guard: str,
    ) -> Verdict:
        return Verdict(
            claim=claim, status=status, probability=probability, evidence=evidence,
            reason=reason, guard=guard, version=self.version,
        )  # fmt: skip


def load_thresholds(config: GuardsConfig, verifier: Verifier) -> Thresholds:
    """Reads the calibrated thresholds; of another verifier, they give way to the strict ones."""
    path = THRESHOLDS if config.thresholds == "default" else Path(config.thresholds)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data["answer_weights"] = tuple(data["answer_weights"])
        found = Thresholds(**data)
        _validate(found)
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("cannot read the thresholds %s (%s): the strict ones apply", path, error)
        return STRICT
    if found.verifier != verifier.version:
        log.warning(
            "the thresholds %s were calibrated for %s, this verifier is %s: the strict ones "
            "apply; run `truepenny eval calibrate`", path, found.verifier, verifier.version,
        )  # fmt: skip
        return STRICT
    return found


def _validate(found: Thresholds) -> None:
    """Raises ValueError or TypeError unless every number is one that can decide."""
    if len(found.answer_weights) != len(FEATURES):
        raise ValueError(f"{len(found.answer_weights)} answer_weights, not {len(FEATURES)}")
    for name in ("support", "answer"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ValueError(f"{name} = {value!r}, expected a probability between 0 and 1")
    if not all(math.isfinite(value) for value in (*found.answer_weights, found.answer_bias)):
        raise ValueError("answer_weights and answer_bias must be finite numbers")


def load_guard(models: ModelsConfig, config: GuardsConfig) -> Guard:
    """The guard as configured, self-tested."""
    from guards.verifier import load_verifier

    began = time.monotonic()
    verifier = load_verifier(models)
    log.debug("verifier ready in %.1f s", time.monotonic() - began)
    return Guard(verifier, load_thresholds(config, verifier), config)
