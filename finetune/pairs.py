"""The training examples of the cross-encoder."""

from dataclasses import dataclass
from typing import Literal

WINDOW_WORDS = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One example: does `second` support the claim `first` / answer the question `first`?

    `group` keeps together what must not be split between training and validation (a company, an
    article, a source row). `evidence` are the stretches of `second`, in characters, that hold
    the answer; None where nobody marked them.
    """

    head: Literal["support", "answer"]
    first: str
    second: str
    label: bool
    source: str
    group: str
    evidence: tuple[tuple[int, int], ...] | None = None


def best_window(claim: str, evidence: str, words: int = WINDOW_WORDS) -> str:
    """The stretch of `words` words that shares most of the claim's words."""
    tokens = evidence.split()
    if len(tokens) <= words:
        return evidence
    wanted = {word.lower().strip(".,") for word in claim.split() if len(word) > 3}
    starts = range(0, max(len(tokens) - words, 0) + 40, 40)
    best = max(
        starts,
        key=lambda at: len(wanted & {t.lower().strip(".,") for t in tokens[at : at + words]}),
    )
    return " ".join(tokens[best : best + words])
