"""Dates and times of day in a message, as customers say them."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Literal

from guards.facts import extract

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY, _COUNT = "|".join(_DAYS), r"(?:\d+|an?|one|two|three|four|five|six)"
_NTH = r"\d{1,2}(?:st|nd|rd|th)"
_MOMENT = re.compile(
    rf"\b(?:(?:{_DAY})\s+next\s+week|day\s+after\s+tomorrow|today|tomorrow|yesterday|"
    rf"(?:last|next|this)\s+(?:{_DAY})|"
    rf"{_COUNT}\s+(?:day|week|month)s?\s+ago|in\s+{_COUNT}\s+(?:day|week|month)s?|"
    rf"{_NTH}\s+of\s+(?:this|next)\s+month|"
    rf"the\s+{_NTH}(?=\W*$|[.,!?]|\s+(?:and|until|till|to|from|at|in|for|please)\b))\b",
    re.I,
)
_HALF = re.compile(r"\bhalf\s+past\s+$", re.I)  # before an hour, which facts read alone
Moment = tuple[str, int, int]


def dates(text: str, order: Literal["DMY", "MDY", "YMD"], ahead: bool, today: date) -> list[Moment]:
    """ISO dates with their places in the text; `ahead` takes a day of the week for the next."""
    import dateparser

    settings = {
        "RELATIVE_BASE": datetime.combine(today, time()),
        "DATE_ORDER": order,
        "PREFER_DATES_FROM": "future" if ahead else "current_period",
    }
    spans = [(fact.start, fact.end) for fact in extract(text) if fact.kind == "date"]
    moments = [match.span() for match in _MOMENT.finditer(text)]
    spans = moments + [(a, b) for a, b in spans if all(b <= x or a >= y for x, y in moments)]
    found = []
    for start, end in sorted(spans):
        said = text[start:end]
        day = _next_week(said, today) or dateparser.parse(said, languages=["en"], settings=settings)
        if day:
            found.append((day.date().isoformat(), start, end))
    return found


def times(text: str) -> Iterator[Moment]:
    """Times of day as HH:MM with their places; one without am or pm stays as it is."""
    for fact in extract(text):
        if fact.kind != "time":
            continue
        value = fact.value if ":" in fact.value else f"{int(fact.value):02d}:00"
        half = _HALF.search(text[: fact.start])
        yield (f"{value[:2]}:30" if half else value), half.start() if half else fact.start, fact.end


def _next_week(said: str, today: date) -> datetime | None:
    """A day of the next week ("Tuesday next week"), which dateparser doesn't know."""
    day, *rest = said.lower().split()
    if day not in _DAYS or not rest:
        return None
    monday = today + timedelta(days=7 - today.weekday())
    return datetime.combine(monday + timedelta(days=_DAYS.index(day)), time())
