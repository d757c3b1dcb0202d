"""Passages that speak to the bot: what does is blanked out before anyone drafts or quotes.

Blanks keep every offset, so that quotes of what is left still stand where they stood.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from guards.screens.injection import injection
from guards.screens.types import Finding, Poisoned, ScreenedHits
from guards.types import Span
from retrieval.sentences import sentence_spans
from retrieval.types import Hit, Passage

log = logging.getLogger("truepenny.guards")
_PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*")


def screen_hits(hits: Sequence[Hit]) -> ScreenedHits:
    """Blanks what speaks to the bot; a hit of which nothing is left, or whose title does, goes.

    Each find is logged with its article's id, since somebody ought to look at that article.
    """
    kept: list[Hit] = []
    poisoned: list[Poisoned] = []
    for hit in hits:
        found = find(hit.passage)
        poisoned.extend(found)
        text = blank(hit.passage.text, [item.span for item in found])
        if text.strip():
            kept.append(replace(hit, passage=replace(hit.passage, text=text)) if found else hit)
    for item in poisoned:
        log.warning(
            "article %s: passage %s, characters %d to %d, speak to the bot and are left out (%s)",
            item.article_id, item.passage_id, item.span.start, item.span.end, item.finding.reason,
        )  # fmt: skip
    return ScreenedHits(hits=tuple(kept), poisoned=tuple(poisoned))


@lru_cache(maxsize=4096)
def find(passage: Passage) -> tuple[Poisoned, ...]:
    """The poisoned stretches of a passage: all of it if its title or a heading is."""
    for line in (passage.title, *passage.headings):
        if found := injection(line, "passage"):
            whole = Span(start=0, end=len(passage.text))
            return (_poisoned(passage, whole, found),)
    return tuple(
        _poisoned(passage, Span(start=start, end=end), found)
        for start, end, found in _stretches(passage.text)
    )


def blank(text: str, spans: Sequence[Span]) -> str:
    """The text with the spans made of blanks; line ends stay."""
    for span in spans:
        gap = re.sub(r"[^\n]", " ", text[span.start : span.end])
        text = text[: span.start] + gap + text[span.end :]
    return text


def _stretches(text: str) -> Iterator[tuple[int, int, Finding]]:
    """The paragraphs with an attack in them, whole: what it wants said may stand before it.

    After a colon, the next paragraph belongs to it too.
    """
    carried: Finding | None = None
    for match in _PARAGRAPH.finditer(text):
        found = carried or _attack(match.group())
        if found:
            yield match.start(), match.end(), found
        carried = found if match.group().rstrip().endswith(":") else None


def _attack(paragraph: str) -> Finding | None:
    units = (paragraph[start:end] for start, end in sentence_spans(paragraph))
    found = (injection(unit, "passage") for unit in (*units, paragraph))
    return next((finding for finding in found if finding), None)


def _poisoned(passage: Passage, span: Span, finding: Finding) -> Poisoned:
    return Poisoned(
        article_id=passage.article_id, passage_id=passage.id, span=span, finding=finding
    )
