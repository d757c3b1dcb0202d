"""Cuts text into the units that are embedded, quoted and checked: sentences, items, rows.

Lines that are structure of their own (headings, list items, table rows, fenced code) are units
as they stand; running text is cut by sentencex, which knows the abbreviations of 240 languages.
"""

import re
from functools import lru_cache

_FENCE = re.compile(r"^\s*(```|~~~)")
_STRUCTURE = re.compile(r"^\s*(?:#{1,6}\s|[-*+•]\s|\d{1,3}[.)]\s|\|)")
_ITEM_MARK = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
# abbreviations that sentencex cuts after, though the sentence goes on
_ABBREVIATION = re.compile(
    r"\b(?:approx|max|min|est|incl|excl|tbsp|tsp|no|nos|fig|vs|ca|dept|ext|tel|"
    r"mon|tues?|wed|thurs?|fri|sat|sun|jan|feb|mar|apr|aug|sept?|oct|nov|dec)\.$",
    re.I,
)
_RULE_ROW = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$")


@lru_cache(maxsize=4096)
def sentence_spans(text: str, language: str = "en") -> tuple[tuple[int, int], ...]:
    """Finds the units of a text, in order, without overlap.

    Returns:
        Half-open character ranges; each is stripped and not empty.
    """
    spans: list[tuple[int, int]] = []
    for start, end, prose in _blocks(text):
        spans.extend(_sentences(text, start, end, language) if prose else [(start, end)])
    return tuple(span for span in (_strip(text, *raw) for raw in spans) if span[0] < span[1])


def is_heading(unit: str) -> bool:
    """Says whether a unit is a Markdown heading (it structures, it states nothing)."""
    return unit.lstrip().startswith("#")


def is_item(unit: str) -> bool:
    """Says whether a unit is a list item, whose mark `without_mark` takes off."""
    return _ITEM_MARK.match(unit) is not None


def is_row(unit: str) -> bool:
    """Says whether a unit is a row of a Markdown table."""
    return unit.lstrip().startswith("|")


def without_mark(unit: str) -> str:
    """Takes the list mark ("1. ", "- ") off a unit."""
    return _ITEM_MARK.sub("", unit)


def _blocks(text: str) -> list[tuple[int, int, bool]]:
    """Lines grouped into (start, end, is running text)."""
    blocks: list[tuple[int, int, bool]] = []
    at, fence, open_prose = 0, -1, False
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        if fence >= 0:
            if _FENCE.match(line):
                blocks.append((fence, at, False))
                fence = -1
        elif _FENCE.match(line):
            fence, open_prose = start, False
        elif not line.strip() or ("|" in line and _RULE_ROW.match(line)):
            open_prose = False
        elif _STRUCTURE.match(line):
            blocks.extend(_structure(text, start, at))
            open_prose = False
        elif open_prose:
            blocks[-1] = (blocks[-1][0], at, True)
        else:
            blocks.append((start, at, True))
            open_prose = True
    if fence >= 0:
        blocks.append((fence, len(text), False))
    return blocks


def _structure(text: str, start: int, end: int) -> list[tuple[int, int, bool]]:
    """A long list item is running text behind its mark; other structure is one unit."""
    if is_item(text[start:end]) and end - start > 200:
        return [(start, end, True)]
    return [(start, end, False)]


def _sentences(text: str, start: int, end: int, language: str) -> list[tuple[int, int]]:
    from sentencex import segment

    body = text[start:end].encode("utf-8", "replace").decode("utf-8")  # sentencex wants UTF-8
    spans: list[tuple[int, int]] = []
    at = start
    for part in segment(language, body):
        found = text.find(part, at, end)
        if found < 0:  # the splitter changed white space: keep the rest whole
            return [*spans, (at, end)]
        if spans and _ABBREVIATION.search(text[: spans[-1][1]].rstrip()[-12:]):
            spans[-1] = (spans[-1][0], found + len(part))
        else:
            spans.append((found, found + len(part)))
        at = found + len(part)
    return spans


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
