"""Chooses which sentences of the hits to quote: the surest answer there is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guards.guard import Guard
from guards.quotes import words
from retrieval.retriever import Retriever
from retrieval.sentences import is_item, without_mark
from retrieval.types import Hit, Passage

_NUMBERED = tuple("0123456789")
MOST_ITEMS = 12
_BEHIND = 0.12  # how far behind the best a further quote may be, in cosine


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One sentence of a passage: passage.text[start:end]. `score` orders quotes."""

    passage: Passage
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        """The sentence, as it stands in the passage."""
        return self.passage.text[self.start : self.end]


def choose(
    query: str,
    hits: Sequence[Hit],
    retriever: Retriever,
    guard: Guard,
    *,
    most: int,
    max_chars: int,
) -> list[Quote]:
    """The sentences that answer best, with the list or lead-in that they belong to.

    Args:
        query: Standalone.
        hits: The passages to quote from, best first.
        retriever: Gives the sentences and their similarity to the query.
        guard: Its answerability head scores each sentence too.
        most: How many sentences, before lists are completed.
        max_chars: How long the quotes may be together.

    Returns:
        In reading order: passages by rank, sentences by position.
    """
    scored = _scored(query, hits, retriever, guard)
    if not scored:
        return []
    scored.sort(key=lambda quote: -quote.score)
    best = scored[0].score
    chosen: dict[tuple[str, int], Quote] = {}
    for quote in [item for item in scored if item.score >= best - _BEHIND][:most]:
        group = _with_context(quote, retriever)
        size = sum(len(item.text) for item in chosen.values())
        fresh = [item for item in group if (item.passage.id, item.start) not in chosen]
        if chosen and size + sum(len(item.text) for item in fresh) > max_chars:
            continue
        chosen.update({(item.passage.id, item.start): item for item in fresh})
    order = {hit.passage.id: hit.rank for hit in hits}
    first = scored[0].passage.id
    return sorted(
        chosen.values(),
        key=lambda q: (q.passage.id != first, order[q.passage.id], q.start),
    )


def says_already(text: str, said: Sequence[str]) -> bool:
    """Whether nearly all words of a sentence stand in one that was said.

    List items and lead-ins are never said already: one left out would change what is around it.
    """
    if is_item(text) or text.rstrip().endswith(":"):
        return False
    mine = words(text)
    return any(len(mine & words(other)) >= 0.85 * len(mine) for other in said)


def _scored(query: str, hits: Sequence[Hit], retriever: Retriever, guard: Guard) -> list[Quote]:
    units = [(hit, span) for hit in hits for span in retriever.spans(hit.passage)]
    if not units:
        return []
    texts = [f"{h.passage.title}\n{without_mark(h.passage.text[a:b])}" for h, (a, b) in units]
    odds = guard.verifier.logits([query] * len(texts), texts, "answer")
    similar = np.concatenate([retriever.sentence_similarities(query, hit) for hit in hits])
    top = hits[0].score
    return [
        Quote(
            passage=hit.passage,
            start=start,
            end=end,
            score=float(cosine) + 0.04 * float(odd) + 0.3 * (hit.score - top),
        )
        for (hit, (start, end)), cosine, odd in zip(units, similar, odds, strict=True)
    ]


def _with_context(quote: Quote, retriever: Retriever) -> list[Quote]:
    """A list needs its lead-in, a lead-in its list, and a step the steps around it."""
    passage = quote.passage
    spans = list(retriever.spans(passage))
    at = spans.index((quote.start, quote.end))
    texts = [passage.text[a:b] for a, b in spans]
    first, last = at, at
    if is_item(texts[at]):
        while first > 0 and is_item(texts[first - 1]):
            first -= 1
        numbered = texts[at].lstrip().startswith(_NUMBERED)
        while last + 1 < len(texts) and is_item(texts[last + 1]):
            last += 1
        keep = range(first, last + 1) if numbered or last - first < 5 else [at]
    elif texts[at].rstrip().endswith(":"):
        while last + 1 < len(texts) and is_item(texts[last + 1]):
            last += 1
        keep = range(first, last + 1)
    else:
        return [quote]
    rows = list(keep)[:MOST_ITEMS]
    if first > 0 and is_item(texts[at]) and texts[first - 1].rstrip().endswith(":"):
        rows = [first - 1, *rows]
    return [
        Quote(passage=passage, start=spans[i][0], end=spans[i][1], score=quote.score) for i in rows
    ]
