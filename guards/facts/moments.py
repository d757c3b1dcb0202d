"""Dates and clock times."""

import re
from collections.abc import Iterator
from datetime import date

from guards.facts.numerals import FLAGS, WORDS, fold, listed, parse_number
from guards.facts.types import Fact, Kind

MONTHS = listed(
    "january february march april may june july august september october november december"
)
DAYS = listed("monday tuesday wednesday thursday friday saturday sunday")

_MONTH = (
    r"(?:jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?|july?"
    r"|aug(?:ust|\.)?|sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember"
    r"|\.)?)(?![a-z])"
)
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)[0-9]{2}(?![0-9])"
_LONG_MONTH = (
    r"(?:January|February|April|June|July|August|September|October|November|December)"
    r"|(?:(?<=in )|(?<=of )|(?<=by )|(?<=until )|(?<=from )|(?<=to )|(?<=and )|(?<=or )"
    r"|(?<=before )|(?<=after ))(?:March|May)"
)
_DATES = [
    re.compile(r"(?<![\w-])(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})(?![\w-])", FLAGS),
    re.compile(
        r"(?<![\w/.])(?P<a>[0-9]{1,2})([/.])(?P<b>[0-9]{1,2})\2(?P<y>[0-9]{4}"
        r"|[0-9]{2})(?![\w/]|\.[0-9])"
    ),
    re.compile(rf"(?<!\w)(?P<d>{_DAY})(?: of)? (?P<m>{_MONTH})(?:,? (?P<y>{_YEAR}))?", FLAGS),
    re.compile(
        rf"(?<!\w)(?P<m>{_MONTH}) (?:the )?(?P<d>{_DAY})(?![0-9]|[:.][0-9]"
        rf"|\w)(?:,? (?P<y>{_YEAR}))?",
        FLAGS,
    ),
    re.compile(rf"(?<!\w)(?P<m>{_MONTH})(?: of)? (?P<y>{_YEAR})", FLAGS),
    re.compile(rf"(?<![\w-])(?P<m>{_LONG_MONTH})(?!\w)"),
    re.compile(
        rf"(?:(?<=in )|(?<=since )|(?<=year )|(?<=of )|(?<=until )"
        rf"|(?<=by ))(?P<y>{_YEAR})(?!\w|[.,][0-9])",
        FLAGS,
    ),
]
_DAY_RANGE = re.compile(rf"(?<![\w.])(?P<d>{_DAY}) ?(?:to|-|and|or|until) ?$", FLAGS)
_WEEKDAY = re.compile(
    r"(?<!\w)(?:(mon|tues?|wednes|thu(?:rs)?|fri|satur|sun)days?|(?-i:(Mon|Tue|Tues|Wed|Thu"
    r"|Thur|Thurs|Fri|Sat|Sun)\b\.?))(?!\w)",
    FLAGS,
)
_WEEKDAY_RANGE = r"(?: ?- ?| (?:to|through|thru|until|till) )"

_HALF = r"(?:[ap]\.m\.?|[ap]m)(?![a-z])"
_TIMES = [
    re.compile(
        rf"(?<![\w.:])(?P<h>[0-9]{{1,2}})(?:[:.](?P<m>[0-9]{{2}}))? ?(?P<half>{_HALF})", FLAGS
    ),
    re.compile(
        r"(?<![\w.:])(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2})(?::[0-9]{2})?(?![\w:]"
        r"|\.[0-9])(?: ?h(?:rs|ours)?\b)?",
        FLAGS,
    ),
    re.compile(
        rf"(?<![\w.:-])(?P<h>[0-9]{{1,2}}|{WORDS})(?: o'clock)? (?P<part>in the (?:morning"
        rf"|afternoon|evening)|at night)\b",
        FLAGS,
    ),
    re.compile(rf"(?<![\w.:-])(?P<h>[0-9]{{1,2}}|{WORDS}) o'clock\b", FLAGS),
    re.compile(
        rf"(?<!\w)(?P<past>half past|quarter past|quarter to) (?P<h>[0-9]{{1,2}}|{WORDS}|noon"
        rf"|midnight)\b",
        FLAGS,
    ),
    re.compile(r"(?<!\w)(?P<name>noon|midday|midnight)(?!\w)", FLAGS),
]
_TIME_RANGE = re.compile(
    r"(?<![\w.,:£$€])(?P<h>[0-9]{1,2})(?:[:.](?P<m>[0-9]{2}))? ?(?:to|-|and|or|until|till) ?$",
    FLAGS,
)


def _fact(kind: Kind, value: str, text: str, span: tuple[int, int], unit: str = "") -> Fact:
    start, end = span
    return Fact(kind=kind, value=value, text=text[start:end], start=start, end=end, unit=unit)


def _iso(year: str, month: int, day: int) -> str | None:
    """ISO date with what isn't known left out, or None if there is no such day."""
    if len(year) == 2:
        year = f"20{year}"
    try:
        date(int(year) if year else 2000, month or 1, day or 1)
    except ValueError:
        return None
    if not month:
        return year
    return f"{year or '-'}-{month:02}" + (f"-{day:02}" if day else "")


def _month(text: str) -> int:
    return next((i for i, name in enumerate(MONTHS, 1) if name[:3] == text.lower()[:3]), 0)


def _date_value(match: re.Match[str]) -> str | None:
    got = match.groupdict()
    year = got.get("y") or ""
    if "a" in got:
        first, second = int(got["a"]), int(got["b"])
        readings = {_iso(year, second, first), _iso(year, first, second)} - {None}
        return "|".join(sorted(r for r in readings if r)) or None
    month = got.get("m") or ""
    day = re.sub(r"\D", "", got.get("d") or "")
    if day and not 1 <= int(day) <= 31:
        return None
    return _iso(year, int(month) if month.isdigit() else _month(month), int(day or 0))


def dates(text: str) -> Iterator[Fact]:
    """Calendar dates, months, years and weekdays of folded text, some of them overlapping."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            value = _date_value(match)
            if value is None:
                continue
            yield _fact("date", value, text, match.span())
            before = _DAY_RANGE.search(text, max(0, match.start() - 12), match.start())
            if before and match.groupdict().get("d") and match.start("m") > match.start("d"):
                first = re.sub(r"\D", "", before["d"])
                yield _fact("date", value[:-2] + first.zfill(2), text, before.span("d"))
    for match in _WEEKDAY.finditer(text):
        yield _fact("date", f"day-{_weekday(match.group())}", text, match.span())


def _weekday(text: str) -> int:
    return next((i for i, name in enumerate(DAYS) if name[:3] == text.lower()[:3]), 0)


def _clock(hour: int, minute: int, half: str) -> tuple[str, str] | None:
    """Canonical time and unit, or None if no clock shows it."""
    if hour > 24 or minute > 59 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour % 24:02}:{minute:02}", "" if half or hour > 12 or hour == 0 else "12h"


def _half_of(match: re.Match[str], hour: int) -> str:
    got = match.groupdict()
    if got.get("half"):
        return str(got["half"][0]).lower()
    part = (got.get("part") or "").lower()
    if not part or hour > 12:
        return ""
    return "a" if "morning" in part or ("night" in part and hour < 6) else "p"


def _hour(word: str) -> int | None:
    named = {"noon": 12, "midnight": 0}.get(word.lower())
    value = parse_number(word) if named is None else None
    return named if value is None else int(value) if value == int(value) else None


def times(text: str) -> Iterator[Fact]:
    """Clock times of folded text, some of them overlapping."""
    for pattern in _TIMES:
        for match in pattern.finditer(text):
            got = match.groupdict()
            if got.get("name"):
                value = "00:00" if got["name"].lower() == "midnight" else "12:00"
                yield _fact("time", value, text, match.span())
                continue
            if (hour := _hour(got["h"])) is None:
                continue
            past = (got.get("past") or "").lower()
            minute = int(
                got.get("m") or {"half past": 30, "quarter past": 15, "quarter to": 45}.get(past, 0)
            )
            hour -= past == "quarter to"
            clock = _clock(hour % 24, minute, _half_of(match, hour)) if hour <= 24 else None
            if clock is None:
                continue
            yield _fact("time", clock[0], text, match.span(), clock[1])
            before = _TIME_RANGE.search(text, max(0, match.start() - 12), match.start())
            opened = before and _clock(int(before["h"]), int(before["m"] or 0), "")
            if before and opened:
                yield _fact(
                    "time",
                    opened[0],
                    text,
                    (before.start("h"), before.end("m" if before["m"] else "h")),
                    opened[1],
                )


def is_range_end(text: str, fact: Fact) -> bool:
    """Whether a date is the first or last of a range, "from May to October"."""
    before, after = fold(text[: fact.start]), fold(text[fact.end :])
    return bool(
        re.match(rf"{_WEEKDAY_RANGE}[A-Z0-9]", after)
        or re.search(rf"[a-z0-9]{_WEEKDAY_RANGE}$", before)
    )


def covered_days(text: str) -> set[str]:
    """Weekday and month values that a text covers without naming them: ranges, "weekend"."""
    out: set[str] = set()
    for names, prefix, base in ((DAYS, "day-", 0), (MONTHS, "--", 1)):
        short = "|".join(name[:3] for name in names)
        pattern = rf"(?<!\w)({short})[a-z]*\.?{_WEEKDAY_RANGE}(?:[0-9]{{1,2}} )?({short})[a-z]*"
        keys = [name[:3] for name in names]
        for match in re.finditer(pattern, text, FLAGS):
            first, last = keys.index(match[1].lower()), keys.index(match[2].lower())
            length = (last - first) % len(keys) + 1
            hits = [(first + step) % len(keys) + base for step in range(length)]
            out |= {f"{prefix}{hit:02}" if base else f"{prefix}{hit}" for hit in hits}
    if re.search(r"\bweekends?\b", text, FLAGS):
        out |= {"day-5", "day-6"}
    if re.search(r"\bweekdays?\b|\b(?:working|business) days?\b", text, FLAGS):
        out |= {f"day-{index}" for index in range(5)}
    if re.search(
        r"\b(?:every|each|any) day\b|\bdaily\b|\b24/7\b|\bseven days\b|\b7 days a week\b"
        r"|\ball week\b",
        text,
        FLAGS,
    ):
        out |= {f"day-{index}" for index in range(7)}
    return out
