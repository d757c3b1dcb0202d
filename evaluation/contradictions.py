"""Articles that disagree: sentences about the same that give different numbers, or opposites.

A pair is two sentences of two articles whose words, exact facts left out, are nearly the same. It
is listed where an amount, date or time of one stands against another value of the same kind and
unit, or where one says the reverse of the other. A person decides: both may be right, each about
its own case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guards.facts import extract, polarity_conflict
from guards.facts.matching import same_fact
from guards.facts.types import Fact
from guards.facts.words import content
from retrieval.embedder import Embedder
from retrieval.sentences import is_heading, is_row, sentence_spans
from retrieval.types import Passage

ALIKE = 0.6  # cosine under which two sentences aren't looked at
SHARED = 0.75  # share of the content words of each that the other must have
NEAREST = 20  # sentences of other articles looked at for each
_KINDS = ("number", "money", "percent", "duration", "date", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence of an article."""

    text: str
    article_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two articles' sentences, and what stands against what."""

    first: Said
    second: Said
    reason: str


def contradictions(passages: Sequence[Passage], embedder: Embedder) -> list[Contradiction]:
    """The pairs, each once, those that are most alike first."""
    said = list(_sentences(passages))
    if len(said) < 2:
        return []
    found = []
    for likeness, a, b in _near(said, embedder.embed([item.text for item in said])):
        if reason := conflict(said[a].text, said[b].text):
            pair = Contradiction(first=said[a], second=said[b], reason=reason)
            found.append((likeness, pair))
    return [pair for _, pair in sorted(found, key=lambda item: -item[0])]


def conflict(first: str, second: str) -> str:
    """What two sentences disagree on; empty where they don't, or aren't about the same."""
    ours, theirs = _facts(first), _facts(second)
    mine, other = _words(first, ours), _words(second, theirs)
    shared = len(mine & other)
    if len(mine) < 2 or shared < SHARED * max(len(mine), len(other)):
        return ""
    for fact in ours:
        rivals = [o for o in theirs if o.kind == fact.kind and o.unit == fact.unit]
        if rivals and not any(same_fact(fact, o, first) for o in theirs):
            return f"{fact.text} against {rivals[0].text}"
    return "one says the reverse of the other" if polarity_conflict(first, second) else ""


def _sentences(passages: Sequence[Passage]) -> Iterator[Said]:
    seen = set()
    for passage in passages:
        for start, end in sentence_spans(passage.text):
            text = passage.text[start:end]
            key = (passage.article_id, text)
            # a row means nothing without its head, and what states nothing contradicts nothing
            if key in seen or is_heading(text) or is_row(text) or text.endswith(("?", ":")):
                continue
            seen.add(key)
            yield Said(text=text, article_id=passage.article_id, title=passage.title)


def _near(
    said: Sequence[Said], vectors: npt.NDArray[np.float32]
) -> Iterator[tuple[float, int, int]]:
    """Pairs of different articles with their cosine, each pair once."""
    articles = np.array([item.article_id for item in said])
    seen: set[tuple[int, int]] = set()
    for n in range(len(said)):
        likeness = vectors @ vectors[n]
        likeness[articles == articles[n]] = -1.0
        for k in np.argsort(-likeness, kind="stable")[:NEAREST]:
            pair = (min(n, int(k)), max(n, int(k)))
            if likeness[k] < ALIKE or pair in seen:
                continue
            seen.add(pair)
            yield float(likeness[k]), *pair


def _facts(text: str) -> list[Fact]:
    return [fact for fact in extract(text) if fact.kind in _KINDS and not fact.soft]


def _words(text: str, facts: Sequence[Fact]) -> frozenset[str]:
    """Content words, without those of the facts."""
    for fact in sorted(facts, key=lambda fact: -fact.start):
        text = f"{text[: fact.start]} {text[fact.end :]}"
    return content(text)
