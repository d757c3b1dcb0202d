"""Amounts: money, percentages, durations, measures and plain numbers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from guards.facts.numerals import FLAGS, NUMBER, listed, parse_number, plain
from guards.facts.types import Fact, Kind
from guards.facts.units import DURATION, DURATIONS, MEASURE, MEASURES

_ISO = listed("GBP USD EUR CHF PLN SEK NOK DKK CAD AUD NZD JPY INR SGD CZK HUF ZAR MXN BRL")
_SYMBOLS = {
    "£": "GBP", "€": "EUR", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW",
    "zł": "PLN", "us$": "USD", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD",
    "nz$": "NZD", "s$": "SGD", "hk$": "HKD", "$": "$", "fr": "CHF", "fr.": "CHF", "kr": "kr",
    "euro": "EUR", "euros": "EUR", "dollar": "$", "dollars": "$", "us dollars": "USD",
    "bucks": "$", "quid": "GBP", "pounds": "GBP", "pound": "GBP", "pounds sterling": "GBP",
    "francs": "CHF", "swiss francs": "CHF", "yen": "JPY", "rupees": "INR", "zloty": "PLN",
    "kronor": "SEK", **{code.lower(): code for code in _ISO}, "kroner": "kr",
}  # fmt: skip
_CENTS = {"cent": "", "cents": "", "p": "GBP", "pence": "GBP", "penny": "GBP", "¢": "$", "ct": ""}
_NAMES = "|".join(
    re.escape(name) for name in sorted([*_SYMBOLS, *_CENTS], key=len, reverse=True) if name != "fr"
)
_SIGN = r"(?:(?:us|au?|ca?|nz|s|hk)?\$|[£€¥₹₽₺₩])"
_CODE = r"(?-i:[A-Z]{3})"
_LARGE = r"(?: ?(?:k|m|bn|million|billion)(?![a-z]))?"
_BEFORE = re.compile(
    rf"(?<![a-z])(?P<unit>{_SIGN}|{_CODE}) ?(?P<n>[0-9](?:[0-9.,]*[0-9])?)(?P<large>{_LARGE})",
    FLAGS,
)
_AFTER = re.compile(rf"(?P<n>{NUMBER})[ -]?(?P<unit>{_NAMES}|{_CODE})(?![a-z0-9])", FLAGS)
_RANGE = r" ?(?:to|-|and|or|,|/|x|by) ?"
_TAIL = re.compile(rf"(?P<n>{NUMBER})(?P<link>{_RANGE})$", FLAGS)
_HEAD = re.compile(rf"^{_RANGE}(?P<n>[0-9](?:[0-9.,]*[0-9])?)(?![\w%]|[ -]?[a-z%])", FLAGS)

_PERCENT = re.compile(
    rf"(?P<n>{NUMBER})(?: ?%| ?per ?cent(?![a-z])| percentage points?| pct\b)", FLAGS
)
_PARTS = re.compile(
    r"(?<!\w)(?:(?P<half>half)|(?P<w>an?|one|two|three|four) (?P<d>third|quarter|fifth|tenth)s?)"
    r"(?= (?:of|the|price|off|that|as)\b|[.,;!?]|$)",
    FLAGS,
)
_ADJ = (
    r"(?:calendar|full|whole|consecutive|further|more|additional|extra|complete|entire|other"
    r"|clear|short|long)"
)
_SPAN = re.compile(rf"(?P<n>{NUMBER})[ -]?(?:{_ADJ}[ -]){{0,2}}(?P<unit>{DURATION})", FLAGS)
_ARTICLE = re.compile(
    rf"(?<![\w-])(?P<n>half an?|(?:a |per )?quarter of an|three quarters of an|an? half|per"
    rf"|each|every|an?)"
    rf"(?: {_ADJ})?[ -](?P<unit>{DURATION})(?P<half> and a half)?(?P<noun>[ -](?:pass|plan"
    rf"|old|card|ticket|trip))?",
    FLAGS,
)
_PART = {"three quarters": "0.75", "quarter": "0.25", "half": "0.5"}
_LENGTH = re.compile(
    r"(?:for|within|in|than|after|about|around|least|most|to|up to|takes?|lasts?|once|twice|times"
    r"|until|almost|nearly|exactly|every|[£€$] ?[0-9.,]+|[0-9]|kept) $",
    FLAGS,
)
_ADVERBS = {
    "hourly": "3600 s", "daily": "86400 s", "weekly": "604800 s", "fortnightly": "1209600 s",
    "monthly": "1 month", "quarterly": "3 month", "yearly": "12 month", "annual": "12 month",
    "annually": "12 month", "overnight": "1 night", "season": "1 season",
}  # fmt: skip
_ADVERB = re.compile(rf"(?<!\w)(?:{'|'.join(_ADVERBS)})(?!\w)", FLAGS)
_MEASURE = re.compile(rf"(?P<n>{NUMBER})[ -]?(?P<unit>{MEASURE})(?!\w)")
_NUMBER = re.compile(
    rf"(?P<n>{NUMBER})(?P<ordinal>(?:st|nd|rd|th)\b)?(?P<link>[ -]?)(?P<noun>[a-z][a-z']*)?", FLAGS
)
_TIMES = {"once": "1", "twice": "2", "thrice": "3", "double": "2", "both": "2", "pair": "2",
          "couple": "2", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6",
          "seventh": "7", "eighth": "8", "ninth": "9", "tenth": "10",
          "half": "0.5", "neither": "2", "either": "2", "single": "1"}  # fmt: skip
_TIMES_RE = re.compile(rf"(?<!\w)(?:{'|'.join(_TIMES)})(?!\w)", FLAGS)
_RATIO = re.compile(r" times (?:as|what|more|the|longer|higher)\b", FLAGS)
_LINKS = frozenset(
    listed(
        "in of or and to for at on the a an is are was were be by from with if when until "
        "after before per "
        "as than that which but so then through not will can may must"
    )
)
_DAY = re.compile(rf"(?<!\w)day (?P<n>{NUMBER})", FLAGS)
_SHAPE = re.compile(r"factor|step|way|sided|fold|off|click|tier|piece|stop|part|size|to", FLAGS)


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def _make(kind: Kind, value: Decimal, text: str, span: tuple[int, int], unit: str) -> Fact:
    start, end = span
    return Fact(
        kind=kind, value=plain(value), text=text[start:end], start=start, end=end, unit=unit
    )


def _ranges(
    kind: Kind, text: str, fact: Fact, unit: str, scale: Decimal = Decimal(1)
) -> Iterator[Fact]:
    """Numbers before `fact` that share its unit: the 3 of "3 to 5 days"."""
    end = fact.start
    while before := _TAIL.search(text, max(0, end - 30), end):
        value = parse_number(before["n"])
        first_comma = "," in before["link"] and end == fact.start
        if value is None or before.start() >= end or first_comma:
            return
        yield _make(kind, value * scale, text, before.span("n"), unit)
        end = before.start()


def money(text: str) -> Iterator[Fact]:
    """Amounts with a currency sign, code or name, and amounts of pence or cents."""
    for match in _BEFORE.finditer(text):
        unit, value = _currency(match["unit"]), parse_number(match["n"])
        if unit is None or value is None:
            continue
        large = match["large"].strip().lower()
        value *= {"": 1, "k": 1000, "m": 10**6, "million": 10**6}.get(large, 10**9)
        yield _make("money", value, text, match.span(), unit)
        if more := _HEAD.match(text[match.end() :]):
            first = parse_number(more["n"])
            if first is not None and first > value:
                at = (match.end() + more.start("n"), match.end() + more.end("n"))
                yield _make("money", first, text, at, unit)
    for match in _AFTER.finditer(text):
        name, value = match["unit"].lower(), parse_number(match["n"])
        unit = _CENTS[name] if name in _CENTS else _currency(match["unit"])
        if unit is None or value is None:
            continue
        scale = Decimal("0.01") if name in _CENTS else Decimal(1)
        fact = _make("money", value * scale, text, match.span(), unit)
        yield fact
        yield from _ranges("money", text, fact, unit, scale)


def _currency(name: str) -> str | None:
    if (known := _SYMBOLS.get(name.lower())) is not None:
        return known
    return name if name.isupper() and name in _currencies() else None


def percents(text: str) -> Iterator[Fact]:
    """Percentages, and softly the fractions that may stand for them ("a quarter of")."""
    for match in _PERCENT.finditer(text):
        if (value := parse_number(match["n"])) is not None:
            fact = _make("percent", value, text, match.span(), "")
            yield fact
            yield from _ranges("percent", text, fact, "")
    for match in _PARTS.finditer(text):
        parts = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}.get(match["d"] or "", 2)
        count = {"two": 2, "three": 3, "four": 4}.get((match["w"] or "").lower(), 1)
        yield _soft("percent", plain(Decimal(100 * count) / parts), match, "")


def _soft(kind: Kind, value: str, match: re.Match[str], unit: str) -> Fact:
    start, end = match.span()
    return Fact(
        kind=kind, value=value, text=match.group(), start=start, end=end, unit=unit, soft=True
    )


def durations(text: str) -> Iterator[Fact]:
    """Lengths of time in seconds, months or working days: "24 h", "thirty-day", "a week"."""
    for match in _SPAN.finditer(text):
        size, unit = _duration(match["unit"])
        value = parse_number(match["n"])
        if value is not None:
            fact = _make("duration", value * size, text, match.span(), unit)
            yield replace(fact, soft=unit == "night" and value == 1)
            yield from _ranges("duration", text, fact, unit, size)
    for match in _ARTICLE.finditer(text):
        if match["unit"].lower() in ("second", "sec", "s", "min", "m", "h"):
            continue
        size, unit = _duration(match["unit"])
        word = match["n"].lower()
        part = next((Decimal(p) for name, p in _PART.items() if name in word), Decimal(1))
        part += Decimal("0.5") if match["half"] else 0
        fact = _make("duration", part * size, text, (match.start(), match.end("unit")), unit)
        vague = word in ("a", "an") and not _LENGTH.search(text, 0, match.start())
        yield replace(fact, soft=bool(vague or match["noun"]))
    for match in _DAY.finditer(text):
        if (value := parse_number(match["n"])) is not None:
            yield _make("duration", value * 86400, text, match.span(), "s")
    for match in _ADVERB.finditer(text):
        value_text, unit = _ADVERBS[match.group().lower()].split()
        yield _soft("duration", value_text, match, unit)


def _duration(word: str) -> tuple[Decimal, str]:
    """Size and canonical unit of a unit of time as it is written."""
    key = re.sub(r"[ -]+", " ", word.lower()).rstrip(".")
    key = key if key in DURATIONS else key.removesuffix("s")
    return DURATIONS.get(key, (Decimal(1), key))


def measures(text: str) -> Iterator[Fact]:
    """Numbers with a physical or data unit, converted to its base: "2 kg" is 2000 g."""
    for match in _MEASURE.finditer(text):
        scale, unit = MEASURES[match["unit"]]
        if (value := parse_number(match["n"])) is not None:
            fact = _make("number", value * scale, text, match.span(), unit)
            yield fact
            yield from _ranges("number", text, fact, unit, scale)


def numbers(text: str) -> Iterator[Fact]:
    """Whatever numbers are left, with the noun that follows; words such as "twice" softly."""
    for match in _NUMBER.finditer(text):
        value = parse_number(match["n"])
        if value is None:
            continue
        noun, end = (match["noun"] or "").lower(), match.end("n")
        worded = not match["n"][0].isdigit()
        hyphen = match["link"] == "-" and bool(noun)
        if not match["link"] or noun in _LINKS:
            noun = ""
        soft = value <= (2 if worded else -1) or (hyphen and (_SHAPE.match(noun) is not None))
        soft = (
            soft or (hyphen and worded and value <= 3) or bool(_RATIO.match(text, match.end("n")))
        )
        yield Fact(
            kind="number",
            value=plain(value),
            text=text[match.start() : end],
            start=match.start(),
            end=end,
            unit="ordinal" if match["ordinal"] else noun,
            soft=soft,
        )
    for match in _TIMES_RE.finditer(text):
        yield _soft("number", _TIMES[match.group().lower()], match, "")
