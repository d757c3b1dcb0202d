"""Makes false claims out of true sentences, one kind of error at a time.

The kinds are those of the perturbation bench: number, unit, date, negation, modality, entity,
comparison, condition, scope. A sentence that offers no place for a kind gives none.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence

Perturbation = Callable[[str, random.Random], str | None]

_NUMBER = re.compile(r"(?<![\w.:/-])(\d{1,4})(?![\w:/-]|\.\d)")
_SWAPS: dict[str, list[tuple[str, str]]] = {
    "unit": [
        ("days", "weeks"), ("hours", "days"), ("minutes", "hours"), ("seconds", "minutes"),
        ("weeks", "months"), ("months", "years"), ("day", "week"), ("month", "year"),
        ("MB", "GB"), ("euros", "dollars"), ("percent", "euros"), ("cm", "mm"),
    ],
    "date": [
        ("Monday", "Thursday"), ("Tuesday", "Friday"), ("Saturday", "Wednesday"),
        ("January", "April"), ("February", "August"), ("March", "October"), ("June", "November"),
        ("July", "December"), ("September", "May"), ("morning", "evening"),
    ],
    "modality": [
        ("must", "may"), ("can", "must"), ("may", "must"), ("should", "must not"),
        ("required", "optional"), ("need to", "do not need to"), ("have to", "do not have to"),
        ("recommended", "required"), ("optional", "required"),
    ],
    "comparison": [
        ("at least", "at most"), ("before", "after"), ("more than", "less than"),
        ("up to", "at least"), ("within", "after"), ("minimum", "maximum"), ("above", "below"),
        ("first", "last"), ("increase", "decrease"), ("larger", "smaller"), ("left", "right"),
        ("top", "bottom"), ("enable", "disable"), ("enabled", "disabled"), ("on", "off"),
        ("public", "private"), ("free", "paid"), ("include", "exclude"), ("open", "close"),
        ("add", "remove"), ("install", "uninstall"), ("upload", "download"), ("new", "old"),
        ("start", "stop"), ("show", "hide"), ("allow", "prevent"), ("available", "unavailable"),
        ("always", "never"), ("all", "no"), ("with", "without"),
    ],
    "scope": [
        ("some", "all"), ("most", "all"), ("only", "also"), ("usually", "always"),
        ("sometimes", "always"), ("may", "will always"), ("certain", "all"), ("many", "all"),
    ],
}  # fmt: skip
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|will|does|do|has|have|should|must|may)\b(?! not|n't)", re.I
)
_NEGATED = re.compile(
    r"\b(is|are|was|were|can|will|does|do|has|have|should|must|may)(?: not\b|n't\b)|\bcannot\b",
    re.I,
)
_NT = re.compile(r"n[\'’]t\b", re.I)
_CONDITION = re.compile(
    r"(?:^(?:If|When|Unless|After|Before|Once)\b[^,]{8,80},\s*)|"
    r"(?:,?\s+\b(?:if|unless|except|only when|provided that|as long as)\b[^.,;]{8,}(?=[.;]|$))"
)
_NAME = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w+-]+(?: [A-Z0-9][\w+-]*)*")


def number(text: str, rng: random.Random) -> str | None:
    """Changes one number to a plausible other one."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    old = int(match[1])
    near = {old + 1, old + 2, old * 2, old * 3, max(old // 2, 1), old + 5, old + 10, abs(old - 1)}
    new = rng.choice(sorted(near - {old}))
    return text[: match.start(1)] + str(new) + text[match.end(1) :]


def negation(text: str, rng: random.Random) -> str | None:
    """Puts a "not" in, or takes one out."""
    denied = list(_NEGATED.finditer(text))
    if denied:
        match = rng.choice(denied)
        return text[: match.start()] + (match[1] or "can") + text[match.end() :]
    if _NT.search(text):  # "can't", "won't": nothing to put a "not" into
        return None
    plain = list(_AUXILIARY.finditer(text))
    if not plain:
        return None
    match = rng.choice(plain)
    word = match[0]
    denial = "cannot" if word.lower() == "can" else f"{word} not"
    return text[: match.start()] + denial + text[match.end() :]


def condition(text: str, _rng: random.Random) -> str | None:
    """Drops a condition, so that the claim says more than the source."""
    match = _CONDITION.search(text)
    if not match:
        return None
    rest = (text[: match.start()] + text[match.end() :]).strip()
    return rest[:1].upper() + rest[1:] if len(rest.split()) >= 4 else None


def swap(kind: str) -> Perturbation:
    """Makes the perturbation that swaps one word of a kind for its contrary."""

    def change(text: str, rng: random.Random) -> str | None:
        found = [
            (match, new)
            for one, other in _SWAPS[kind]
            for old, new in ((one, other), (other, one))
            if kind != "scope" or old == one
            for match in re.finditer(rf"\b{re.escape(old)}\b", text)
        ]
        if not found:
            return None
        match, new = rng.choice(found)
        return text[: match.start()] + new + text[match.end() :]

    return change


def entity(names: Sequence[str]) -> Perturbation:
    """Makes the perturbation that puts another of `names` in a name's place."""

    def change(text: str, rng: random.Random) -> str | None:
        found = list(_NAME.finditer(text))
        if not found or len(names) < 2:
            return None
        match = rng.choice(found)
        other = rng.choice(names)
        if other.lower() == match[0].lower() or other in text:
            return None
        return text[: match.start()] + other + text[match.end() :]

    return change


def names_in(texts: Sequence[str]) -> list[str]:
    """Collects the capitalised names inside sentences, for `entity`."""
    return sorted({match[0] for text in texts for match in _NAME.finditer(text)})


def perturbations(names: Sequence[str]) -> dict[str, Perturbation]:
    """All perturbations by kind."""
    return {
        "number": number,
        "negation": negation,
        "condition": condition,
        "entity": entity(names),
        **{kind: swap(kind) for kind in _SWAPS},
    }


def perturb(
    text: str, kinds: dict[str, Perturbation], rng: random.Random
) -> Iterator[tuple[str, str]]:
    """Yields (kind, false sentence) for every kind that finds a place in the text."""
    for kind, change in kinds.items():
        changed = change(text, rng)
        if changed and changed != text:
            yield kind, changed
