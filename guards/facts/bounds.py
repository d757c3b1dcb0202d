"""Bounds on amounts and moments: at least, up to, within, before, more than."""

import re
from collections.abc import Sequence
from typing import Literal

from guards.facts.extraction import extract
from guards.facts.numerals import fold
from guards.facts.opposites import flips
from guards.facts.polarity import polarity
from guards.facts.types import Fact
from guards.facts.words import content, overlap, sentences

Bound = Literal["min", "max", ""]

_MAX_BEFORE = re.compile(
    r"(?:up to|at (?:the )?most|no(?:t)? (?:more|later|longer|older|larger|heavier|greater) than"
    r"|(?:a )?max(?:imum|\.)?(?: of)?|under|below|(?:less|fewer|younger|shorter|smaller) than"
    r"|not exceed(?:ing)?|n't exceed|limited to|limit of)(?: (?:the|an?|age|first))*[ (£€$]*$",
    re.I,
)
_MIN_BEFORE = re.compile(
    r"(?:at (?:the )?least|(?:a )?min(?:imum|\.)?(?: of)?|no(?:t)? (?:less|fewer|earlier|sooner|"
    r"younger) than|above|over|(?:more|longer|older|greater|larger|heavier|higher) than"
    r"|exceed(?:s|ing)?)"
    r"(?: (?:the|an?|age))*[ (£€$]*$",
    re.I,
)
_MAX_AFTER = re.compile(
    r"^[a-z %]{0,12}?\b(?:or (?:less|fewer|under|younger|below)|at (?:the )?(?:most|latest)"
    r"|max(?:imum)?)\b",
    re.I,
)
_MIN_AFTER = re.compile(
    r"^(?:\+|[a-z %]{0,12}?\b(?:(?:or|and) (?:more|over|above|older|longer|later|upwards)"
    r"|at (?:the )?least|min(?:imum)?)\b)",
    re.I,
)
_PARTS = re.compile(
    r"\b(?:more|less|fewer|longer|older|younger|over|under|above|below|\w+er) (?:than )?\W*$", re.I
)
_UNTIL = re.compile(r"(?:before|until|till|by|no later than)(?: (?:the|about))?[ ]*$", re.I)
_SINCE = re.compile(
    r"(?:after|from|since|not before|no earlier than)(?: (?:the|about))?[ ]*$", re.I
)


def bound(text: str, fact: Fact) -> Bound:
    """Which way the words around a fact bound it: a floor, a ceiling, or neither."""
    folded = fold(text)
    before, after = folded[max(0, fact.start - 40) : fact.start], folded[fact.end : fact.end + 24]
    ceiling = bool(_MAX_BEFORE.search(before) or _MAX_AFTER.match(after))
    floor = bool(_MIN_BEFORE.search(before) and not ceiling) or bool(_MIN_AFTER.match(after))
    if fact.kind in ("time", "date") and not (ceiling or floor):
        ceiling, floor = bool(_UNTIL.search(before)), bool(_SINCE.search(before))
    if ceiling == floor:
        return ""
    return "max" if ceiling else "min"


def bound_conflict(claim: str, evidence: Sequence[str]) -> Fact | None:
    """A fact of the claim that the evidence bounds only the other way round, if there is one.

    Conservative: both sentences must be about the same thing (most of the claim's content
    words), and neither negated, since "not under 18" is "over 18", nor turned by an antonym.
    """
    mine = content(claim)
    if polarity(claim).negated:
        return None
    for fact in extract(claim):
        wanted = bound(claim, fact)
        if not wanted:
            continue
        seen = [
            (bound(sentence, other), sentence)
            for text in evidence
            for sentence in sentences(text)
            for other in extract(sentence)
            if other.kind == fact.kind and other.value == fact.value
        ]
        opposite = "min" if wanted == "max" else "max"
        if _PARTS.search(fold(claim)[max(0, fact.start - 20) : fact.start]):
            continue
        if (
            seen
            and all(way == opposite for way, _ in seen)
            and any(_alike(claim, mine, sentence) for _, sentence in seen)
        ):
            return fact
    return None


def _alike(claim: str, mine: frozenset[str], sentence: str) -> bool:
    if polarity(sentence).negated or flips(claim, sentence):
        return False
    return overlap(mine, content(sentence)) >= 0.6
