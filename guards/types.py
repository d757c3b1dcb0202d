"""The words of the guard: span, claim, evidence, verdict, review."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["supported", "unsupported", "contradicted", "unchecked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half-open range of characters: text[start:end]."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence of an answer that can be true or false.

    `span` is where `text` stands in the answer; `standalone` is the claim as it is checked,
    with what it leaves out folded in (a bare "Yes" gets the question).
    """

    text: str
    span: Span
    standalone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a claim's support stands: `quote` is passage.text[span.start:span.end]."""

    passage_id: str
    span: Span
    quote: str
    kind: Literal["passage", "slot", "action"] = "passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one guard found about one claim. `probability` is that it is supported."""

    claim: Claim
    status: Status
    probability: float | None
    evidence: Evidence | None
    reason: str
    guard: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The verdicts on a whole answer.

    `status` is the worst of them; an answer with no claims is "supported".
    `answerable` is the probability that the evidence answers the question, if one was given.
    """

    verdicts: tuple[Verdict, ...]
    answerable: float | None
    status: Status
