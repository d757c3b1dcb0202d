"""The cascade: whole quotes, then exact facts, then the trained verifier. Each may say no.

A check that can't be made gives `unchecked` with its reason, never `supported`.
"""

import copy
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from guards.answerability import features
from guards.claims import claims as claims_of
from guards.clock import Clock
from guards.config import GuardsConfig
from guards.errors import GuardError
from guards.facts import check, contradiction, unknown_names
from guards.quotes import closest, verbatim
from guards.scores import sound
from guards.thresholds import STRICT, Thresholds, load_thresholds
from guards.types import Claim, Evidence, Review, Status, Verdict
from guards.verifier import Verifier
from models.config import ModelsConfig
from retrieval.types import Hit, Passage

__all__ = ["STRICT", "Guard", "GuardsConfig", "Thresholds", "load_guard", "load_thresholds"]

log = logging.getLogger("truepenny.guards")
MAX_CLAIM_CHARS = 1000
T = TypeVar("T")
_TOO_LONG = f"a sentence of more than {MAX_CLAIM_CHARS} characters can't be checked"
_WORST: tuple[Status, ...] = ("contradicted", "unsupported", "unchecked", "supported")


class Guard:
    """Reviews answers against passages. Deterministic: the same input, the same verdicts.

    Each review has the configured time; with `timed`, all that belongs to one reply shares it.
    """

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
        self._clock: Clock | None = None

    def timed(self) -> "Guard":
        """The same guard with the clock of one reply started."""
        guard = copy.copy(self)
        guard._clock = Clock(self.config.reply_seconds)
        return guard

    @property
    def seconds_left(self) -> float:
        """Of the reply's time; all of it where no clock was started."""
        return self._clock.left if self._clock else self.config.reply_seconds

    def within(self, work: Callable[[], T]) -> T:
        """Runs work that belongs to the reply in what is left of its time.

        Raises:
            OutOfTime: It didn't end in time. What it does later is of no effect.
        """
        return (self._clock or Clock(self.config.reply_seconds)).call(work)

    def review(
        self,
        answer: str,
        passages: Sequence[Passage],
        question: str | None = None,
        *,
        answerable: bool = True,
    ) -> Review:
        """Checks every claim of an answer; see `judge`.

        Whether the passages answer the question changes no verdict; without `answerable` it isn't
        asked.
        """
        guard = self if self._clock else self.timed()
        found = claims_of(answer, question)
        most = self.config.max_claims
        verdicts = guard.judge(found[:most], passages, question or "", said=answer)
        late = "more claims than [guards] max_claims"
        verdicts += [self._unchecked(claim, late) for claim in found[most:]]
        chance = guard._answer_chance(question, passages) if answerable else None
        found_statuses: list[Status] = [verdict.status for verdict in verdicts]
        status: Status = min(found_statuses, key=_WORST.index, default="supported")
        return Review(verdicts=tuple(verdicts), answerable=chance, status=status)

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
            return self.within(lambda: self._cascade(claims, passages, question, said))
        except Exception as error:
            log.warning("a check failed", exc_info=not isinstance(error, GuardError))
            return [self._unchecked(claim, f"the check failed: {error}") for claim in claims]

    def answerable(self, question: str, hits: Sequence[Hit], signals: Sequence[float]) -> float:
        """Probability that the hits answer the question; see `guards.answerability`.

        Raises:
            GuardError: It can't be judged.
        """
        found = self.within(lambda: features(self.verifier, question, hits, signals))
        odds = sum(w * x for w, x in zip(self.thresholds.answer_weights, found, strict=True))
        if not math.isfinite(odds):
            raise GuardError("answerability is not a number; check the model")
        return 1 / (1 + math.exp(-odds - self.thresholds.answer_bias))

    def _answer_chance(self, question: str | None, passages: Sequence[Passage]) -> float | None:
        if not question or not passages:
            return None
        try:
            return float(np.max(self.within(lambda: self.verifier.rerank(question, passages))))
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
        scores = self.verifier.support([claim.standalone for claim in claims], passages)
        shape = (len(claims), len(passages))
        verdicts = []
        for claim, row in zip(claims, sound(scores, shape), strict=True):
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


def load_guard(models: ModelsConfig, config: GuardsConfig) -> Guard:
    """The guard as configured, self-tested.

    Raises:
        SelfTestFailed: The scorer isn't what it was, or can't tell yes from no.
        ModelError: Its weights can't be had.
    """
    from guards.screens import screen
    from guards.selftest import self_test
    from guards.verifier import load_verifier

    began = time.monotonic()
    verifier = load_verifier(models)
    self_test(verifier)
    if config.screen:
        screen("Loads what the screens need before anybody waits for it.", config.language)
    log.debug("verifier ready in %.1f s", time.monotonic() - began)
    return Guard(verifier, load_thresholds(config, verifier), config)
