"""Verbatim quotes: recognising one, and finding where a claim's support stands."""

import re
from collections.abc import Sequence
from functools import lru_cache

from guards.types import Evidence, Span
from retrieval.sentences import is_item, sentence_spans, without_mark
from retrieval.types import Passage

_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "–": "-"})
_TURNS = re.compile(
    r"\b(?:not|no|never|cannot|none|without|except\w*|exclu\w+|unless|neither|only)\b|n[\'’]t\b",
    re.I,
)
_WORD = re.compile(r"[a-z0-9][a-z0-9'.@/-]*")


def normal(text: str) -> str:
    """Text as it is compared: case, curly quotes, white space and list marks don't matter."""
    return " ".join(without_mark(text).translate(_MARKS).lower().split()).rstrip(" .:;")


def verbatim(claim: str, passages: Sequence[Passage], said: str = "") -> Evidence | None:
    """Finds a claim that is one whole sentence of a passage, or several in a row.

    A part of a sentence is no quote: what was left out may be its condition. Nor is a list item
    without a lead-in that turns its meaning ("You cannot return:"), unless the lead-in is `said`
    too, in the whole answer around the claim.
    """
    around = normal(said)
    wanted = normal(claim)
    if not wanted:
        return None
    for passage in passages:
        spans = sentence_spans(passage.text)
        units = _units(passage.text)
        for first in range(len(units)):
            joined = ""
            for last in range(first, len(units)):
                joined = f"{joined}. {units[last]}" if joined else units[last]
                if len(joined) > len(wanted) + 8:
                    break
                if joined == wanted or joined.replace(". ", " ") == wanted.replace(". ", " "):
                    if normal(_turning_lead_in(passage.text, spans, first)) not in around:
                        break
                    return _evidence(passage, spans[first][0], spans[last][1])
    return None


@lru_cache(maxsize=4096)
def _units(text: str) -> tuple[str, ...]:
    """The sentences of a passage as they are compared."""
    return tuple(normal(text[start:end]) for start, end in sentence_spans(text))


def _turning_lead_in(text: str, spans: Sequence[tuple[int, int]], first: int) -> str:
    """The lead-in of the list that a unit stands in, if it negates or excepts; else empty."""
    if not is_item(text[slice(*spans[first])]):
        return ""
    at = first - 1
    while at >= 0 and is_item(text[slice(*spans[at])]):
        at -= 1
    lead_in = text[slice(*spans[at])] if at >= 0 else ""
    return lead_in if lead_in.endswith(":") and _TURNS.search(lead_in) else ""


def closest(claim: str, passage: Passage) -> Evidence:
    """The sentence of a passage that shares most of a claim's words: the evidence to show."""
    wanted = words(claim)
    spans = sentence_spans(passage.text) or ((0, len(passage.text)),)

    def share(span: tuple[int, int]) -> float:
        held = words(passage.text[span[0] : span[1]])
        return len(wanted & held) / (len(held) + 5) ** 0.5

    return _evidence(passage, *max(spans, key=share))


def words(text: str) -> set[str]:
    """The words of a text, lower case, for overlap."""
    return {word.rstrip(".") for word in _WORD.findall(text.lower().translate(_MARKS))}


def _evidence(passage: Passage, start: int, end: int) -> Evidence:
    span = Span(start=start, end=end)
    return Evidence(passage_id=passage.id, span=span, quote=passage.text[start:end])
