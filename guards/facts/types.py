"""The words of the exact-facts tier: fact, fact check, polarity."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "number",
    "money",
    "percent",
    "duration",
    "date",
    "time",
    "version",
    "phone",
    "email",
    "url",
    "code",
    "quoted",
]
Modality = Literal["obligation", "option", "permission", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something in a text that is either exactly right or wrong: text[start:end] of the source.

    `value` is canonical within `unit`: a plain decimal, `HH:MM`, an ISO date with what is not
    said left out (`--03-05`; readings of an ambiguous date are joined by `|`), or the folded
    literal. `unit` is a currency, `s` / `month` / `workday` of a duration, the base unit of a
    measure, the noun that is counted, or `12h` for a time that doesn't say am or pm.
    A `soft` fact ("one", "half", "twice", "2FA") can support a claim but is never demanded.
    """

    kind: Kind
    value: str
    text: str
    start: int
    end: int
    unit: str = ""
    soft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCheck:
    """Whether every exact fact of a claim is entailed; `missing` are those that are not."""

    ok: bool
    missing: tuple[Fact, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Polarity:
    """Negation and modality cues of a text, lower case, in order of appearance.

    `negated` is the parity of the negations; `certain` is false where a restriction ("only",
    "unless") or several negations make the parity a guess.
    """

    negated: bool
    certain: bool
    modality: Modality
    cues: tuple[str, ...]
