"""Chooses which sentences of the hits to quote: the surest answer there is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guards.guard import Guard
from guards.quotes import words
from retrieval.retriever import Retriever
from retrieval.sentences import is_item, is_row, without_mark
from retrieval.types import Hit, Passage

_NUMBERED = tuple("0123456789")
MOST_ITEMS = 14
LONG_LIST = 5
BEFORE, AFTER = 1, 3  # sentences quoted around the best one
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
    for rank, quote in enumerate(q for q in scored[:most] if q.score >= best - _BEHIND):
        group = _with_context(quote, retriever, around=rank == 0)
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
    if _listed(text) or text.rstrip().endswith(":"):
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
        if hit.passage.text[start:end].strip()  # blank: a screen took it out
    ]


def _with_context(quote: Quote, retriever: Retriever, around: bool) -> list[Quote]:
    """A list needs its lead-in, a lead-in its list, and a step the steps around it.

    With `around`, what follows the sentence, and what stands before it, is quoted too: the
    sentence nearest to a question often only leads to the answer.
    """
    passage = quote.passage
    spans = list(retriever.spans(passage))
    texts = [passage.text[a:b] for a, b in spans]
    at = spans.index((quote.start, quote.end))
    rows = {at}
    if _listed(texts[at]) or texts[at].rstrip().endswith((":", "?")):
        rows |= _list_rows(texts, at)
    if around:
        rows |= set(range(max(at - BEFORE, 0), min(at + AFTER + 1, len(texts))))
    for row in sorted(rows):
        if _listed(texts[row]):
            rows |= _lead_in(texts, row)
        elif texts[row].rstrip().endswith(":"):
            rows |= _list_rows(texts, row)
    return [
        Quote(passage=passage, start=spans[i][0], end=spans[i][1], score=quote.score)
        for i in sorted(rows)
    ]


def _list_rows(texts: Sequence[str], at: int) -> set[int]:
    """The rows of the list or table that row `at` is in or leads to, with code between steps.

    Of a long list without numbers only the item itself.
    """
    first = last = at
    while first > 0 and _listed(texts[at]) and _goes_on(texts, first - 1, -1):
        first -= 1
    while last + 1 < len(texts) and _goes_on(texts, last + 1, 1) and last + 1 - first < MOST_ITEMS:
        last += 1
    numbered = any(text.lstrip().startswith(_NUMBERED) for text in texts[first : last + 1])
    if is_item(texts[at]) and not numbered and last - first > LONG_LIST:
        return {at}
    return set(range(first, last + 1))


def _goes_on(texts: Sequence[str], at: int, step: int) -> bool:
    """Whether a list goes on at a row: an item, or a remark between two steps."""
    beyond = at + step
    return _listed(texts[at]) or (
        0 <= beyond < len(texts)
        and _is_step(texts[beyond])
        and not _is_step_one(texts[max(at, beyond)])
    )


def _is_step(text: str) -> bool:
    return is_item(text) and text.lstrip().startswith(_NUMBERED)


def _is_step_one(text: str) -> bool:
    return _is_step(text) and without_mark(text) != text and text.lstrip()[:2] in ("1.", "1)")


def _listed(text: str) -> bool:
    return is_item(text) or is_row(text) or text.lstrip().startswith(("```", "~~~"))


def _lead_in(texts: Sequence[str], at: int) -> set[int]:
    """The row of the lead-in of the list that row `at` is in, if it has one."""
    while at >= 0 and _listed(texts[at]):
        at -= 1
    return {at} if at >= 0 and texts[at].rstrip().endswith(":") else set()
