"""The words of the conversation: turn, state, draft, reply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from guards.types import Review, Status
from retrieval.types import Hit

Action = Literal["answer", "clarify", "abstain", "handoff", "flow"]
Cause = Literal[
    "no_evidence",
    "partial_evidence",
    "contradicted",
    "out_of_scope",
    "policy",
    "unsafe_input",
    "customer_request",
    "tool_failure",
    "unchecked",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant", "person"]
    text: str
    at: str | None = None
    reply_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of a conversation; serialisable, never changed in place."""

    conversation_id: str
    turns: tuple[Turn, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    flow: str | None = None
    facts: tuple[str, ...] = ()
    language: str = "en"
    mode: Literal["bot", "person"] = "bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the generator wrote, before any check. `tokens` counts generated tokens."""

    text: str
    model: str
    adapter: str | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the reply: `reply.text[start:end]`, with its verdict and citation numbers."""

    text: str
    start: int
    end: int
    status: Status
    probability: float | None
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Citation number n: a verbatim quote of a passage."""

    n: int
    article_id: str
    passage_id: str
    title: str
    url: str | None
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something the customer may ask or read next."""

    text: str
    article_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Why and with what a person takes over."""

    reason: str
    summary: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One verified reply. `timings` are milliseconds; names as in the contract."""

    reply_id: str
    conversation_id: str
    text: str
    action: Action
    cause: Cause | None
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    review: Review | None = None
    suggestions: tuple[Suggestion, ...] = ()
    handoff: Handoff | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    adapter: str | None = None
    index_version: str = ""
    threshold_version: str = ""
