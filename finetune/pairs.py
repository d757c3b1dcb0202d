"""The training examples of the cross-encoder."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One example: does `second` support the claim `first` / answer the question `first`?

    `group` keeps together what must not be split between training and validation (a company, an
    article, a source row).
    """

    head: Literal["support", "answer"]
    first: str
    second: str
    label: bool
    source: str
    group: str
