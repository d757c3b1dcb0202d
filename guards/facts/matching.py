"""Do two facts say the same?"""

import re
from decimal import Decimal, InvalidOperation
from itertools import zip_longest

from guards.facts.extraction import extract
from guards.facts.types import Fact
from guards.facts.units import MEASURES

MEASURED = frozenset(unit for _, unit in MEASURES.values())
"""Canonical units of measure; a number with one of them is never a mere count."""

_DOLLARS = {"$", "USD", "CAD", "AUD", "NZD", "SGD", "HKD"}
_KRONER = {"kr", "SEK", "NOK", "DKK"}
_AGE = re.compile(
    r"\b(?:ages?|aged|old|older|younger|young|under|over|turn|children|adults?)\b", re.I
)


def same_fact(fact: Fact, other: Fact, claim: str) -> bool:
    """Whether the evidence's `other` says what `fact` says."""
    match fact.kind, other.kind:
        case ("money", "money"):
            return fact.value == other.value and _same_currency(fact.unit, other.unit)
        case ("percent", "percent"):
            return abs(Decimal(fact.value) - Decimal(other.value)) < Decimal("0.5")
        case ("duration", "duration"):
            return _same_duration(fact, other)
        case ("date", "date"):
            return _same_date(fact.value, other.value)
        case ("time", "time"):
            return _same_time(fact, other)
        case ("number", "number"):
            return fact.value == other.value and _same_unit(fact.unit, other.unit)
        case ("number", "duration"):
            return _age(fact, other, claim) or (not fact.unit and _digits(fact, other))
        case ("duration", "number"):
            return _age(other, fact, claim)
        case ("number", "date" | "version" | "phone" | "code" | "time" | "money" | "percent"):
            return _bare(fact, other, claim)
        case ("date", "number") if len(fact.value) == 4:
            return fact.value == other.value
        case ("version", "number") | ("version", "version"):
            return fact.value == other.value
        case ("url", "email"):
            return other.value.endswith("@" + fact.value)
        case (kind, other_kind):
            return kind == other_kind and fact.value == other.value


def _same_currency(unit: str, other: str) -> bool:
    families = (_DOLLARS, _KRONER)
    loose = any(
        {unit, other} <= family and family & {"$", "kr"} & {unit, other} for family in families
    )
    return unit == other or not unit or not other or loose


def _same_duration(fact: Fact, other: Fact) -> bool:
    always = {"always", "86400"}
    if "always" in (fact.value, other.value):
        return {fact.value, other.value} <= always
    return fact.unit == other.unit and fact.value == other.value


def _equal(value: Decimal, text: str) -> bool:
    try:
        return value == Decimal(text)
    except InvalidOperation:
        return False


def _same_date(value: str, other: str) -> bool:
    return any(_reads(a, b) for a in value.split("|") for b in other.split("|"))


def _reads(value: str, other: str) -> bool:
    """Whether each part that `value` gives is the same in `other`, which may say more."""
    if value.startswith("day-") or other.startswith("day-"):
        return value == other
    pairs = zip_longest(_parts(value), _parts(other), fillvalue="")
    return all(not part or part == said for part, said in pairs)


def _parts(value: str) -> list[str]:
    """Year, month and day of a date's value; "" for a year that isn't said."""
    return ["", *value[2:].split("-")] if value.startswith("--") else value.split("-")


def _same_time(fact: Fact, other: Fact) -> bool:
    if fact.value == other.value:
        return True
    hour, minute = map(int, fact.value.split(":"))
    other_hour, other_minute = map(int, other.value.split(":"))
    return (
        "12h" in (fact.unit, other.unit)
        and (hour - other_hour) % 12 == 0
        and minute == other_minute
    )


def _same_unit(unit: str, other: str) -> bool:
    """A measure needs its own unit; what is counted may go by another name."""
    if unit in MEASURED or other in MEASURED:
        return unit == other
    return True


def _age(number: Fact, years: Fact, claim: str) -> bool:
    """Whether "over 65" and "65 years of age" are the same, in either direction."""
    if years.unit != "month" or number.unit in MEASURED or not _AGE.search(claim):
        return False
    return _equal(Decimal(number.value) * 12, years.value)


def _bare(fact: Fact, other: Fact, claim: str) -> bool:
    """Whether a number with no unit of its own repeats the digits of a larger fact."""
    if fact.unit:
        named = other.kind not in ("money", "percent", "duration", "time")
        return named and fact.unit not in MEASURED and _digits(fact, other)
    if other.kind in ("money", "percent") and not any(f.kind == other.kind for f in extract(claim)):
        return False
    if other.kind == "time" and len(fact.value) <= 2:
        hour, minute = map(int, other.value.split(":"))
        return minute == 0 and _equal(Decimal(hour % 12), str(int(Decimal(fact.value)) % 12))
    if other.kind == "time":
        return other.value.replace(":", "") == fact.value
    return fact.value == other.value or _digits(fact, other)


def _digits(fact: Fact, other: Fact) -> bool:
    return fact.value in re.findall(r"[0-9]+(?:\.[0-9]+)?", other.text)
