"""Reads slot values out of a message: found by type, checked, written in one way.

Values are text: a number in plain decimals, a date in ISO form, "yes" or "no", a choice by its
own name, a phone number in E.164, a time of day HH:MM.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.dialogue.cues import affirmed, ordinal
from bot.dialogue.moments import dates, times
from bot.dialogue.schema import Slot
from guards.facts import extract

FUZZY = 80.0  # of 100: how like a word a misspelt one is
SHARE, LEAD = 0.5, 0.25  # of a choice's words: how many must be there, and more than of others
_WITHOUT = re.compile(r"\b(?:no|not|without|don'?t|never)\W+(?:\w+\W+){0,3}$", re.I)
_WONDERS = re.compile(
    r"(?:^|[.!?,;]\s*|\b(?:and|or|also)\s+)(?:is|are|do|does|did|has|have|what|how)\b[^.!?]*$|"
    r"\b(?:whether|if)\b[^.!?]*$",
    re.I,
)
_LEAD = re.compile(
    r"^(?:(?:no|yes|sorry|well|ok(?:ay)?|hi|hello|please)[,.!]?\s+)*"
    r"(?:(?:it|that|this)(?:'s| is| was)\s+|(?:my|the)\s+[\w ]{1,30}?\s(?:is|was)\s+(?:now\s+)?)?",
    re.I,
)
_ORDER = (
    "email", "pattern", "phone", "date", "time", "money", "number", "choice", "yes_no", "text",
)  # fmt: skip


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
        slots: By name. Numbers, plain words and yes or no are taken only for what is `asked`,
            or beside the slot's words; dates and times with such words only after one of them.
        text: Cleaned.
        asked: The slot that the bot asked for.
        today: What "yesterday" is the day before of.
        choices: Of slots whose choices come from a fact.
    """
    found: list[Found] = []
    order = sorted(
        slots,
        key=lambda name: (_ORDER.index(slots[name].type), not slots[name].words, name != asked),
    )
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
            return _led(_date(name, slot, text, today), slot, text, asked)
        case "time":
            return _led(
                [Found(slot=name, value=v, start=a, end=b) for v, a, b in times(text)],
                slot, text, asked,
            )  # fmt: skip
        case "money" | "number":
            counted = _counted(name, slot, text)
            if counted or not (asked or slot.type == "money"):
                return counted
            return _number(name, slot, text)
        case "choice":
            return _choice(name, options_of(slot, listed), text, asked)
        case "yes_no":
            return (_yes_no(name, text) if asked else []) or _wished(name, slot, text)
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
    return [
        Found(slot=name, value=value, start=start, end=end, valid=_within(value, slot, today))
        for value, start, end in dates(text, slot.date_order, slot.after == "today", today)
    ]


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


def _counted(name: str, slot: Slot, text: str) -> list[Found]:
    """Numbers that stand before a word of the slot ("3 nights")."""
    if not slot.words:
        return []
    after = re.compile(rf"[\s-]+(?:\w+\s+)?{_either(slot)}", re.I)
    split = re.sub(_either(slot), lambda word: "·" * len(word[0]), text, flags=re.I)
    found = _number(name, slot, split)  # or "3 days" would be a duration, and no number
    return [item for item in found if after.match(text, item.end)]


def _led(found: list[Found], slot: Slot, text: str, asked: bool) -> list[Found]:
    """Values that stand after a word of the slot ("until 3 May"); an answer may stand alone."""
    before = re.compile(rf"{_either(slot)}\W+(?:\w+\W+){{0,3}}$", re.I)
    led = [item for item in found if slot.words and before.search(text[: item.start])]
    return led or (found if asked or not slot.words else [])


def _wished(name: str, slot: Slot, text: str) -> list[Found]:
    """A word of the slot is a yes, after "no" or "without" a no; in a question it is neither."""
    match = re.search(_either(slot), text, re.I) if slot.words else None
    if not match or _WONDERS.search(text[: match.start()]):
        return []
    value = "no" if _WITHOUT.search(text[: match.start()]) else "yes"
    return [Found(slot=name, value=value, start=match.start(), end=match.end(), confidence=0.8)]


def _either(slot: Slot) -> str:
    return rf"\b(?:{'|'.join(map(re.escape, slot.words))})(?:e?s)?\b"


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
