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
Value = str | int | float | bool | tuple[str, ...]
PROFILE = ("plan", "product", "country")  # what is kept of a customer, for suggestions


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation; `trace` says how it was understood, or why it was said."""

    role: Literal["user", "assistant", "person"]
    text: str
    at: str | None = None
    reply_id: str | None = None
    trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotValue:
    """What the customer told: normalised, and the number of the message that told it.

    An empty `value` is a slot that the customer skipped.
    """

    value: str
    turn: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What an action found or did: its schema-checked fields, each a confirmed fact.

    `key` is the call's idempotency key. `outcome` is "ok" or one that the action declares.
    """

    key: str
    action: str
    turn: int
    outcome: str = "ok"
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A flow under way; `step` None is its end.

    `calls` are the keys of the actions on the way here, `confirmed` counts the customer's yeses.
    """

    id: str
    flow: str
    step: str | None
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    confirmed: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A button: what it says, and the flow, article or value that it stands for."""

    text: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Options that wait to be chosen from; `about` is the slot or the question they are for."""

    kind: Literal["flow", "article", "value", "failure"]
    options: tuple[Option, ...]
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of a conversation; serialisable, never changed in place.

    `turn` counts the customer's messages (`turns` may be cut). `slots` outlive their flow.
    `stack` holds the flows under way, the active one last. `failures` counts those in a row.
    `clarified` are the matters that were asked back about, `ended` is the flow that ended last.
    `person_at` is when a person took the conversation or last wrote in it, `profile` what the
    caller told of the customer: plan, product, country.
    """

    conversation_id: str
    turns: tuple[Turn, ...] = ()
    turn: int = 0
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    stack: tuple[Frame, ...] = ()
    facts: tuple[ActionResult, ...] = ()
    pending: Pending | None = None
    clarified: tuple[str, ...] = ()
    ended: str | None = None
    failures: int = 0
    language: str = "en"
    mode: Literal["bot", "person"] = "bot"
    person_at: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)

    @property
    def flow(self) -> str | None:
        """The flow that is being gone through; None if there is none, or all are paused."""
        active = [frame.flow for frame in self.stack if not frame.paused]
        return active[-1] if active else None


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
    """Citation number n: a verbatim quote of a passage, or what an action or the customer said."""

    n: int
    article_id: str
    passage_id: str
    title: str
    url: str | None
    quote: str
    kind: Literal["passage", "slot", "action"] = "passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something the customer may ask or read next."""

    text: str
    article_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A question of a past conversation, and the article that its answer cited first."""

    conversation_id: str
    question: str
    article: str
    profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Why and with what a person takes over; `evidence` are verified findings."""

    reason: str
    summary: str
    evidence: tuple[str, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    transcript: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """An input that would answer the bot's question; sent back as an ordinary message."""

    name: str
    label: str
    type: Literal["text", "number", "date", "email", "tel", "choice"]
    required: bool = True
    pattern: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the bot waits for, for clients that show inputs."""

    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One verified reply. `timings` are milliseconds; names as in the contract.

    An empty `text` is not to be shown: a person has the conversation and the bot is silent.
    `trace` says why it came to this; it is for the operator, not for the customer.
    """

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
    form: Form | None = None
    trace: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    adapter: str | None = None
    index_version: str = ""
    threshold_version: str = ""
