"""The training examples of the cross-encoder."""

from dataclasses import dataclass
from typing import Literal


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
