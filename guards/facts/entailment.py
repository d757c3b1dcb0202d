"""Is each exact fact of a claim in the evidence?"""

import re
from collections.abc import Sequence
from decimal import Decimal

from guards.facts.bounds import bound_conflict
from guards.facts.crossing import crossed_fact
from guards.facts.extraction import extract
from guards.facts.literals import clean_url, squash
from guards.facts.matching import MEASURED, same_fact
from guards.facts.moments import covered_days, is_range_end
from guards.facts.polarity import polarity
from guards.facts.types import Fact, FactCheck
from guards.facts.words import content, stem

_CONDITION = re.compile(
    r"\b(?:if|when|whenever|whether|should|since|as|once|in case|suppos\w+)\b", re.I
)
_DENIAL = re.compile(r"^\s*(?:no|sorry|unfortunately)\b", re.I)
_PERSON = re.compile(
    r"\b(?:someone|anyone|teenager|child|person|boy|girl|guest|member) (?:who(?:'s|’s| is)|of"
    r"|aged) $",
    re.I,
)
_COMPARED = re.compile(r"\s(?:more|less|fewer|longer|shorter|dearer|cheaper|higher|lower)\b", re.I)
_FREE = re.compile(
    r"\b(?:free|complimentary|no (?:extra |additional )?(?:cost|charge|fee)s?|costs? nothing)\b",
    re.I,
)


def check(claim: str, evidence: Sequence[str], question: str = "") -> FactCheck:
    """Whether every exact fact of `claim` is entailed by the evidence taken together.

    A fact of the same kind with the same value must stand there; a bound on it ("at least")
    must not be turned round. A fact that stands in the question alone may be repeated, but not
    asserted: within a condition ("if you return it after 45 days"), or in a denial ("No, ...").
    E-mails, URLs, phone numbers and prices can't be borrowed from the question.
    """
    texts = tuple(text for text in evidence if text.strip())
    facts = tuple(fact for text in texts for fact in extract(text))
    missing = tuple(
        fact
        for fact in extract(claim)
        if not fact.soft
        and not _entailed(fact, claim, facts, texts)
        and not _instance(fact, claim, facts)
        and not _difference(fact, claim, facts)
        and not _echoed(fact, claim, question)
    )
    if missing:
        said = ", ".join(f"{fact.kind} {fact.text!r}" for fact in missing)
        return FactCheck(ok=False, missing=missing, reason=f"not in the evidence: {said}")
    if any(claim.strip() in text for text in texts):
        return FactCheck(ok=True, missing=(), reason="")
    if crossed := crossed_fact(claim, texts):
        reason = f"the evidence gives another value where it is about the same as {crossed.text!r}"
        return FactCheck(ok=False, missing=(crossed,), reason=reason)
    if turned := bound_conflict(claim, texts):
        reason = f"the evidence bounds {turned.text!r} the other way"
        return FactCheck(ok=False, missing=(turned,), reason=reason)
    return FactCheck(ok=True, missing=(), reason="")


def _instance(fact: Fact, claim: str, facts: Sequence[Fact]) -> bool:
    """Whether the fact only picks a case, "a 17-year-old", that the evidence may well cover.

    The evidence must have another fact of its kind and unit; the rest is for the verifier.
    """
    before, after = claim[: fact.start], claim[fact.end :]
    aged = re.match(r"-?\s?(?:years?[- ])?olds?\b", after) and fact.unit not in MEASURED
    if aged or (fact.kind == "number" and _PERSON.search(before)):
        return any(other.kind in ("number", "duration") for other in facts)
    if fact.kind != "money" and fact.unit not in MEASURED:
        return False
    picked = re.match(r"^(?:for |with )?an? (?:\w+ of )?$", before, re.IGNORECASE)
    return bool(picked) and any(o.kind == fact.kind and o.unit == fact.unit for o in facts)


def _difference(fact: Fact, claim: str, facts: Sequence[Fact]) -> bool:
    """Whether "€20 more" or "half an hour longer" is the exact difference of two facts."""
    if not _COMPARED.match(claim[fact.end :]) or fact.kind not in ("money", "number", "duration"):
        return False
    if not re.fullmatch(r"[0-9.]+", fact.value):
        return False
    rated = (o for o in facts if o.kind == fact.kind and re.fullmatch(r"[0-9.]+", o.value))
    kinds = {(Decimal(o.value), o.unit) for o in rated if o.unit == fact.unit or o.kind == "number"}
    return any((value + Decimal(fact.value), unit) in kinds for value, unit in kinds)


def _entailed(fact: Fact, claim: str, facts: Sequence[Fact], texts: Sequence[str]) -> bool:
    if any(same_fact(fact, other, claim) for other in facts):
        return True
    match fact.kind:
        case "url":
            return any(fact.value in clean_url(text) for text in texts)
        case "quoted" | "code":
            return any(_verbatim(fact, text) for text in texts)
        case "date":
            ranged = is_range_end(claim, fact)
            return not ranged and any(fact.value in _days(text, claim) for text in texts)
        case "money":
            free = Decimal(fact.value) == 0 and any(_FREE.search(text) for text in texts)
            return free or _in_table(fact, texts)
        case "number" | "duration" | "percent":
            return _in_table(fact, texts)
        case _:
            return False


def _echoed(fact: Fact, claim: str, question: str) -> bool:
    """Whether the claim only repeats a fact of the question, as a condition or in a denial."""
    if not question or fact.kind in ("url", "email", "phone", "money", "percent"):
        return False
    if not any(same_fact(fact, other, claim) for other in extract(question)):
        return False
    clause = re.split(r"[,;:.]\s", claim[: fact.start])[-1]
    return bool(_CONDITION.search(clause) or _DENIAL.match(claim))


def _verbatim(fact: Fact, text: str) -> bool:
    if fact.kind == "code":
        pattern = r"[\W_]?".join(map(re.escape, fact.value))
        return bool(re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", text, re.IGNORECASE))
    return f" {fact.value} " in f" {squash(text)} " or content(fact.value) <= content(text)


def _days(text: str, claim: str) -> set[str]:
    """Weekdays and months covered by ranges; all of them in a denial about the rest."""
    covered = covered_days(text)
    if covered and polarity(claim).negated:
        return covered | {f"day-{index}" for index in range(7)}
    return covered


def _in_table(fact: Fact, texts: Sequence[str]) -> bool:
    """Whether a table cell holds the value alone while a heading names the unit."""
    for text in texts:
        rows = [line for line in text.splitlines() if line.count("|") > 1]
        head = {stem(word) for row in rows for word in re.findall(r"[^\W\d_]+|[£€$%]", row)}
        unit = re.sub(r"[\d.,\s]+", "", fact.text).strip("-").lower()
        named = {stem(word) for word in re.findall(r"[^\W\d_]+|[£€$%]", unit)}
        digits = re.findall(r"[0-9]+(?:[.,][0-9]+)*", fact.text)
        cells = {cell.strip() for row in rows[1:] for cell in row.split("|")}
        if digits and named and named & head and digits[0] in cells:
            return True
    return False
