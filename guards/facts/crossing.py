"""Right value, wrong place: "30 days" stands in the evidence, but about something else."""

import re
from collections.abc import Sequence
from itertools import pairwise

from guards.facts.extraction import extract
from guards.facts.types import Fact
from guards.facts.words import content, overlap, sentences, stem

_KINDS = ("number", "money", "percent", "duration")
_NEAR, _FAR = 0.4, 0.2
_VAGUE = re.compile(
    r"\d|^(?:day|week|month|year|hour|minut|work|euro|pound|dollar|cost|charg|price)"
)


def crossed_fact(claim: str, evidence: Sequence[str]) -> Fact | None:
    """An amount of the claim that the evidence gives only where it speaks of something else.

    The sentence nearest to the claim has to give another value of the same kind and unit, and
    share half of the claim's content words; each sentence with the claim's value, read with the
    one before it, has to share a quarter of them less. Tables are left alone.
    """
    if rate := _wrong_rate(claim, evidence):
        return rate
    facts = [fact for fact in extract(claim) if _weighty(fact)]
    if not facts or any("|" in text for text in evidence):
        return None
    around = [
        (sentence, f"{before} {sentence}")
        for text in evidence
        for before, sentence in zip(("", *sentences(text)), sentences(text), strict=False)
    ]
    words = frozenset(word for word in content(claim) if not _VAGUE.search(word))
    if len(words) < 2:
        return None
    return next((f for f in facts if _recounted(f, evidence) or _elsewhere(f, words, around)), None)


def _wrong_rate(claim: str, evidence: Sequence[str]) -> Fact | None:
    """The "a week" of "£5 a week" where the evidence has the £5 by another unit of time only."""
    facts = extract(claim)
    for amount, rate in pairwise(facts):
        gap = claim[amount.end : rate.start]
        if amount.kind not in ("money", "number") or not _is_rate(rate) or len(gap.split()) > 3:
            continue
        beside = [
            extract(sentence)
            for text in evidence
            for sentence in sentences(text)
            if "|" not in sentence
            and any(o.kind == amount.kind and o.value == amount.value for o in extract(sentence))
        ]
        if any(not _differs(rate, o) for found in beside for o in found):
            continue
        rates = [[o for o in found if _is_rate(o)] for found in beside]
        if rates and all(rates):
            return rate
    return None


def _is_rate(fact: Fact) -> bool:
    first = fact.text.lower().split()[0] if fact.text.split() else ""
    return fact.kind == "duration" and (
        first in ("a", "an", "per", "each", "every") or first.endswith("ly") or first == "annual"
    )


def _differs(rate: Fact, other: Fact) -> bool:
    return (rate.value, rate.unit) != (other.value, other.unit)


def _recounted(fact: Fact, evidence: Sequence[str]) -> bool:
    """Whether the evidence counts the same noun, but never to this number."""
    if fact.kind != "number" or len(fact.unit) < 4:
        return False
    counted = [
        other
        for text in evidence
        for other in extract(text)
        if other.kind == "number" and not (other.soft and other.unit == "")
    ]
    noun = stem(fact.unit)
    same = [other for other in counted if other.unit and stem(other.unit) == noun]
    loose = [other for other in counted if other.unit in ("", "ordinal")]
    return bool(same) and all(other.value != fact.value for other in [*same, *loose])


def _weighty(fact: Fact) -> bool:
    """An amount that is asserted, not the "a day" of a rate."""
    rate = fact.kind == "duration" and fact.text.lower().startswith(("a", "per", "each", "every"))
    return fact.kind in _KINDS and not fact.soft and not rate


def _elsewhere(fact: Fact, words: frozenset[str], around: list[tuple[str, str]]) -> bool:
    own, rival = 0.0, 0.0
    for sentence, wider in around:
        same = [other for other in extract(sentence) if _comparable(fact, other)]
        if any(other.value == fact.value for other in extract(sentence)):
            own = max(own, overlap(words, content(wider)))
        elif any(not other.soft for other in same):
            rival = max(rival, overlap(words, content(sentence)))
    return own > 0 and rival >= _NEAR and own <= rival - _FAR


def _comparable(fact: Fact, other: Fact) -> bool:
    """Same kind and unit; of plain numbers, the same noun counted."""
    if fact.kind != other.kind:
        return False
    if fact.kind == "number" and fact.unit and other.unit:
        return stem(fact.unit) == stem(other.unit)
    return fact.unit == other.unit
