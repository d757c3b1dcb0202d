"""What the admin page shows, and what it can be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.types import Action, Cause, Reply, State, Turn

T = TypeVar("T")
PER_PAGE = 25


def _chosen(given: Any) -> Any:
    """A form sends a field that was left empty as "", which is no choice."""
    return None if given == "" else given


class Search(BaseModel):
    """Which conversations: those with a message that fits all of it. Days are UTC's."""

    model_config = ConfigDict(frozen=True)

    q: str = Field(default="", max_length=200)
    action: Annotated[Action | None, BeforeValidator(_chosen)] = None
    cause: Annotated[Cause | None, BeforeValidator(_chosen)] = None
    since: Annotated[date | None, BeforeValidator(_chosen)] = None
    until: Annotated[date | None, BeforeValidator(_chosen)] = None
    page: int = Field(default=1, ge=1, le=100_000)

    @property
    def narrowed(self) -> bool:
        """Asks for less than all."""
        return bool(self.q or self.action or self.cause or self.since or self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list; `total` counts the whole list."""

    items: tuple[T, ...]
    number: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PER_PAGE))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationLine:
    """A conversation in the list: how it began, and how the last reply went."""

    id: str
    user_id: str | None
    channel: str | None
    updated_at: datetime
    messages: int
    question: str
    action: str | None
    cause: str | None
    ratings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A message, its reply, and what the customer thought of that."""

    text: str
    at: datetime
    status: str
    reason: str | None
    reply: Reply | None
    rating: str | None
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with all that was said; `people` are the turns of the team."""

    id: str
    user_id: str | None
    channel: str | None
    created_at: datetime
    updated_at: datetime
    state: State
    exchanges: tuple[Exchange, ...]

    @property
    def people(self) -> tuple[Turn, ...]:
        """What persons of the team said."""
        return tuple(turn for turn in self.state.turns if turn.role == "person")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question without an answer."""

    text: str
    at: datetime
    conversation_id: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The article nearest to a question."""

    title: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Questions that mean the same, newest first; `question` stands for them."""

    question: str
    asked: tuple[Asked, ...]
    nearest: Nearest | None = None

    @property
    def causes(self) -> tuple[str, ...]:
        """Why they got no answer."""
        return tuple(sorted({each.cause for each in self.asked}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A reply that a customer judged."""

    rating: Literal["up", "down"]
    comment: str | None
    at: datetime
    question: str
    reply: str
    action: str
    conversation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A conversation that a person was to take over."""

    at: datetime
    conversation_id: str
    cause: str | None
    question: str
    reason: str
    summary: str
    evidence: tuple[str, ...]
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reply in numbers: milliseconds by stage, and each sentence's probability."""

    at: datetime
    action: str
    timings: Mapping[str, float]
    probabilities: tuple[float, ...]
