"""Prompt injection: does a text try to steer the bot?

Patterns over every reading of a text, weighed into one score. It is a screen, not a proof: what
it misses meets the guard, which lets nothing be said that a passage doesn't bear out.
"""

import re
from functools import cache, lru_cache
from typing import Literal

from guards.screens.disguises import readings, spelled
from guards.screens.patterns import FAMILIES, THRESHOLD, WORDS, Family
from guards.screens.types import Finding

Place = Literal["question", "passage"]
_SPELLED_FAMILIES = FAMILIES[:4]


@lru_cache(maxsize=8192)
def injection(text: str, place: Place) -> Finding | None:
    """The finding on a text, None if its score is under the threshold.

    Args:
        text: A question, or a sentence of an article.
        place: Articles are also searched for what speaks to bots; questions always do.
    """
    met: dict[str, float] = {}
    for family in FAMILIES:
        if family.where in (place, "both") and _met(family, text):
            met[family.name] = family.weight
    rest = 1.0
    for weight in met.values():
        rest *= 1 - weight
    if 1 - rest < THRESHOLD:
        return None
    return Finding(screen="injection", reason="; ".join(met), score=round(1 - rest, 3))


def _met(family: Family, text: str) -> bool:
    found = any(pattern.search(view) for view in readings(text) for pattern in _compiled(family))
    return found or (
        family in _SPELLED_FAMILIES
        and any(pattern.search(run) for run in spelled(text) for pattern in _gapless(family))
    )


@cache
def _compiled(family: Family) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(text, r"[^\\w.!?]+") for text in family.patterns)


@cache
def _gapless(family: Family) -> tuple[re.Pattern[str], ...]:
    """The same for words that are written without anything between them."""
    return tuple(_pattern(text.replace(r"\b", ""), "") for text in family.patterns)


def _pattern(text: str, gap: str) -> re.Pattern[str]:
    for name, words in WORDS.items():
        text = text.replace(f"{{{name}}}", words)
    return re.compile(re.sub(" (?![?*])", gap, text), re.MULTILINE)
