"""Reads slot values out of a message: found by type, checked, written in one way.

Values are text: a number in plain decimals, a date in ISO form, "yes" or "no", a choice by its
own name, a phone number in E.164.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from bot.dialogue.cues import affirmed, ordinal
from bot.dialogue.schema import Slot
from guards.facts import extract

FUZZY = 80.0  # of 100: how like a word a misspelt one is
SHARE, LEAD = 0.5, 0.25  # of a choice's words: how many must be there, and more than of others
_MOMENT = re.compile(
    r"\b(?:today|tomorrow|yesterday|(?:last|next|this)\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"(?:\d+|an?|one|two|three|four|five|six)\s+(?:day|week|month)s?\s+ago|"
    r"in\s+(?:\d+|an?|one|two|three|four|five|six)\s+(?:day|week|month)s?)\b",
    re.I,
)
_LEAD = re.compile(
    r"^(?:(?:no|yes|sorry|well|ok(?:ay)?|hi|hello|please)[,.!]?\s+)*"
    r"(?:(?:it|that|this)(?:'s| is| was)\s+|(?:my|the)\s+[\w ]{1,30}?\s(?:is|was)\s+(?:now\s+)?)?",
    re.I,
)
_ORDER = ("email", "pattern", "phone", "date", "money", "number", "choice", "yes_no", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value and where it stands: text[start:end]. `valid` says it keeps the slot's bounds."""

    slot: str
    value: str
    start: int
    end: int
    confidence: float = 1.0
    valid: bool = True


def find(
    slots: Mapping[str, Slot],
    text: str,
    *,
    asked: str | None,
    today: date,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> list[Found]:
    """The values that a message gives, most telling types first; none overlap.

    Args:
        slots: By name. Numbers, plain words and yes or no are taken only for what is `asked`.
        text: Cleaned.
        asked: The slot that the bot asked for.
        today: What "yesterday" is the day before of.
        choices: Of slots whose choices come from a fact.
    """
    found: list[Found] = []
    order = sorted(slots, key=lambda name: (_ORDER.index(slots[name].type), name != asked))
    for name in order:
        slot = slots[name]
        free = blanked(text, found)
        for item in _by_type(name, slot, free, name == asked, today, (choices or {}).get(name)):
            if not free[item.start : item.end].strip():
                continue
            found.append(item)
            free = blanked(text, found)
    return found


def whole(name: str, slot: Slot, text: str) -> Found | None:
    """The message itself, less "it's ", as the value of the text slot that was asked for."""
    start = lead.end() if (lead := _LEAD.match(text)) else 0
    value = text[start:].strip(" .") or text.strip()
    if slot.type != "text" or not value or len(value) > slot.max_chars:
        return None
    return Found(slot=name, value=value, start=0, end=len(text), confidence=0.8)


def mentions(slot: Slot, texts: Sequence[str], today: date) -> list[str]:
    """All different values of a slot in messages, in order of appearance."""
    found = (find({"it": slot}, text, asked=None, today=today) for text in texts)
    return list(dict.fromkeys(item.value for items in found for item in items if item.valid))


def nearest(named: Sequence[tuple[str, str]], text: str) -> tuple[str, float]:
    """The choice whose words a message says, spelt nearly right, and what share of them.

    Args:
        named: Names and the choices they stand for; not empty.
        text: The message.

    Returns:
        A share of 0 where none leads.
    """
    said = _telling(text)
    shares: dict[str, float] = {}
    for label, choice in named:
        shares[choice] = max(shares.get(choice, 0.0), _share(_telling(label), said))
    (choice, best), *rest = sorted(shares.items(), key=lambda pair: -pair[1])
    return choice, 0.0 if rest and best - rest[0][1] < LEAD else best


def options_of(slot: Slot, listed: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """The choices of a slot and their other names."""
    if listed is not None:
        return dict.fromkeys(listed, ())
    return {choice: tuple(names) for choice, names in slot.choices.items()}


def _by_type(
    name: str, slot: Slot, text: str, asked: bool, today: date, listed: Sequence[str] | None
) -> list[Found]:
    match slot.type:
        case "pattern":
            return _pattern(name, slot, text)
        case "email":
            return _email(name, text)
        case "phone":
            return _phone(name, slot, text)
        case "date":
            return _date(name, slot, text, today)
        case "money" | "number":
            return _number(name, slot, text) if asked or slot.type == "money" else []
        case "choice":
            return _choice(name, options_of(slot, listed), text, asked)
        case "yes_no":
            return _yes_no(name, text) if asked else []
    return _cued(name, slot, text) if slot.pattern else []


def _pattern(name: str, slot: Slot, text: str) -> list[Found]:
    """Matches on word borders, upper case, written in the slot's format."""
    found = []
    for match in re.finditer(rf"(?<!\w)(?:{slot.pattern})(?!\w)", text, re.I):
        value = slot.format.format(*match.groups("")) if slot.format else match[0]
        found.append(Found(slot=name, value=value.upper(), start=match.start(), end=match.end()))
    return found


def _email(name: str, text: str) -> list[Found]:
    from email_validator import EmailNotValidError, validate_email

    found = []
    for fact in extract(text):
        if fact.kind == "email":
            try:
                value = validate_email(
                    fact.text, check_deliverability=False, test_environment=True
                ).normalized
            except EmailNotValidError:
                continue
            found.append(Found(slot=name, value=value.lower(), start=fact.start, end=fact.end))
    return found


def _phone(name: str, slot: Slot, text: str) -> list[Found]:
    import phonenumbers

    return [
        Found(
            slot=name, start=match.start, end=match.end,
            value=phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164),
        )
        for match in phonenumbers.PhoneNumberMatcher(
            text, slot.region, leniency=phonenumbers.Leniency.POSSIBLE
        )
    ]  # fmt: skip


def _date(name: str, slot: Slot, text: str, today: date) -> list[Found]:
    import dateparser

    settings = {
        "RELATIVE_BASE": datetime.combine(today, time()),
        "DATE_ORDER": slot.date_order,
        "PREFER_DATES_FROM": "future" if slot.after == "today" else "current_period",
    }
    spans = [(fact.start, fact.end) for fact in extract(text) if fact.kind == "date"]
    moments = [match.span() for match in _MOMENT.finditer(text)]
    spans = moments + [(a, b) for a, b in spans if all(b <= x or a >= y for x, y in moments)]
    found = []
    for start, end in sorted(spans):
        parsed = dateparser.parse(text[start:end], languages=["en"], settings=settings)
        if parsed:
            value = parsed.date().isoformat()
            fits = _within(value, slot, today)
            found.append(Found(slot=name, value=value, start=start, end=end, valid=fits))
    return found


def _within(value: str, slot: Slot, today: date) -> bool:
    after, before = (
        today.isoformat() if bound == "today" else bound for bound in (slot.after, slot.before)
    )
    return (not after or value >= after) and (not before or value <= before)


def _number(name: str, slot: Slot, text: str) -> list[Found]:
    kinds = ("money", "number") if slot.type == "money" else ("number",)
    found = []
    for fact in extract(text):
        if fact.kind in kinds:
            number = float(fact.value)
            fits = (slot.minimum is None or number >= slot.minimum) and (
                slot.maximum is None or number <= slot.maximum
            )
            value = f"{number:.2f}" if slot.type == "money" else fact.value
            found.append(Found(slot=name, value=value, start=fact.start, end=fact.end, valid=fits))
    return found


def _choice(
    name: str, options: Mapping[str, tuple[str, ...]], text: str, asked: bool
) -> list[Found]:
    """Choices named in full; for the one asked for, also by place in the list or misspelt."""
    named = [(label, choice) for choice, others in options.items() for label in (choice, *others)]
    named.sort(key=lambda pair: -len(pair[0]))
    for label, choice in named:
        if match := re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text, re.I):
            return [Found(slot=name, value=choice, start=match.start(), end=match.end())]
    if not asked or not options:
        return []
    if (at := ordinal(text, len(options))) is not None:
        return [Found(slot=name, value=list(options)[at], start=0, end=len(text))]
    return _misspelt(name, named, text)


def _misspelt(name: str, named: Sequence[tuple[str, str]], text: str) -> list[Found]:
    choice, share = nearest(named, text)
    if share < SHARE:
        return []
    return [Found(slot=name, value=choice, start=0, end=len(text), confidence=0.8 * share)]


def _share(wanted: Sequence[str], said: Sequence[str]) -> float:
    from rapidfuzz.fuzz import ratio

    near = sum(any(ratio(word, other) >= FUZZY for other in said) for word in wanted)
    return near / max(len(wanted), 1)


def _telling(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.lower()) if len(word) > 2]


def _yes_no(name: str, text: str) -> list[Found]:
    said = affirmed(text)
    if said is None:
        return []
    return [Found(slot=name, value="yes" if said else "no", start=0, end=len(text))]


def _cued(name: str, slot: Slot, text: str) -> list[Found]:
    match = re.search(slot.pattern, text, re.I)
    if not match or not match[1].strip(" ."):
        return []
    value = match[1].strip(" .")[: slot.max_chars]
    return [Found(slot=name, value=value, start=match.start(1), end=match.end(1), confidence=0.9)]


def blanked(text: str, found: Sequence[Found]) -> str:
    """The text with what was found already turned into spaces: offsets stay."""
    for item in found:
        text = text[: item.start] + " " * (item.end - item.start) + text[item.end :]
    return text
