"""Many reviews at once: the same ones, sooner.

All pairs of a chunk of rows go through the verifier in one run, in batches of like length. The
reviews themselves are then made one by one, as ever, and find their scores known.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from guards.claims import claims
from guards.guard import MAX_CLAIM_CHARS, Guard
from guards.quotes import verbatim
from guards.types import Review
from guards.verifier import CACHED_PAIRS, windows
from retrieval.chunk import embedded_text
from retrieval.types import Passage

log = logging.getLogger("truepenny.guards")
ROWS = 64
MOST_PAIRS = CACHED_PAIRS // 2  # so that what is scored ahead is still known when it is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An answer to review, as `Guard.review` takes it."""

    answer: str
    passages: Sequence[Passage]
    question: str | None = None
    answerable: bool = True


def reviews(guard: Guard, rows: Iterable[Row]) -> Iterator[Review]:
    """One review a row, in order: what `Guard.review` gives for each alone."""
    left = iter(rows)
    while chunk := list(islice(left, ROWS)):
        _score_ahead(guard, chunk)
        for row in chunk:
            yield guard.review(row.answer, row.passages, row.question, answerable=row.answerable)


def _score_ahead(guard: Guard, rows: Sequence[Row]) -> None:
    pairs = [pair for row in rows for pair in _pairs(row, guard.config.max_claims)][:MOST_PAIRS]
    if not pairs:
        return
    firsts, seconds = zip(*pairs, strict=True)
    try:
        guard.verifier.logits(firsts, seconds, "support")
    except Exception:  # noqa: BLE001 - the reviews meet it again, and say so each for itself
        log.warning("scoring ahead failed; the rows are scored one by one")


def _pairs(row: Row, most: int) -> list[tuple[str, str]]:
    """What a review of the row will ask the verifier: claims and question with each window."""
    firsts = [
        claim.standalone
        for claim in claims(row.answer, row.question)[:most]
        if len(claim.text) <= MAX_CLAIM_CHARS and not verbatim(claim.text, row.passages, row.answer)
    ]
    asked = [row.question] if row.question and row.answerable else []
    texts = [text for found in row.passages for _, text in windows(embedded_text(found))]
    return [(first, text) for first in (*firsts, *asked) for text in texts]
