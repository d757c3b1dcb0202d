"""From a text to its exact facts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from guards.facts import literals, moments, quantities
from guards.facts.numerals import MASK, fold, plain
from guards.facts.types import Fact

_READERS: tuple[Callable[[str], Iterator[Fact]], ...] = (
    literals.emails,
    literals.urls,
    moments.dates,
    literals.versions,
    moments.times,
    quantities.money,
    literals.phones,
    quantities.measures,
    quantities.durations,
    quantities.percents,
    literals.codes,
    quantities.numbers,
)
_ALWAYS = re.compile(
    r"24 ?/ ?7|(?:24|twenty-four) hours a day|round[- ]the[- ]clock|any hour of the day", re.I
)
_JOIN = re.compile(r"(?:,| and|, and)? ")


@lru_cache(maxsize=4096)
def extract(text: str) -> tuple[Fact, ...]:
    """The exact facts of a text, in order; they don't overlap, but for quotations.

    Each reader takes its spans away from those after it, so that the digits of a date are not
    a number again.
    """
    folded = fold(text)
    found = [*literals.quotations(folded)]
    rest = folded
    for match in _ALWAYS.finditer(rest):
        found.append(_always(match))
        rest = _mask(rest, match.start(), match.end())
    for read in _READERS:
        taken: list[Fact] = []
        for fact in sorted(read(rest), key=lambda fact: (fact.start - fact.end, fact.soft)):
            if all(fact.end <= other.start or fact.start >= other.end for other in taken):
                taken.append(fact)
        for fact in taken:
            rest = _mask(rest, fact.start, fact.end)
        found += taken
    ordered = sorted(found, key=lambda fact: (fact.start, fact.end))
    return tuple(
        replace(fact, text=text[fact.start : fact.end]) for fact in _merge(ordered, folded)
    )


def _mask(text: str, start: int, end: int) -> str:
    return text[:start] + MASK * (end - start) + text[end:]


def _always(match: re.Match[str]) -> Fact:
    return Fact(
        kind="duration",
        value="always",
        text=match.group(),
        start=match.start(),
        end=match.end(),
        unit="always",
        soft=not match.group()[0].isdigit(),
    )


def _merge(facts: list[Fact], text: str) -> Iterator[Fact]:
    """Join "1 hour 30 minutes" and "1 h and 30 min" into one duration."""
    from decimal import Decimal

    last: Fact | None = None
    for fact in facts:
        joins = (
            last is not None
            and last.kind == fact.kind == "duration"
            and last.unit == fact.unit in ("s", "month")
            and not (last.soft or fact.soft)
            and _JOIN.fullmatch(text[last.end : fact.start])
            and fact.text[:1].isdigit()
            and Decimal(fact.value) < Decimal(last.value)
        )
        if joins and last is not None:
            total = plain(Decimal(last.value) + Decimal(fact.value))
            last = replace(last, value=total, end=fact.end)
            continue
        if last is not None:
            yield last
        last = fact
    if last is not None:
        yield last
