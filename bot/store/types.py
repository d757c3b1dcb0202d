"""What the store gives and takes: messages, conversations, keys, deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from bot.types import Reply, State

Scope = Literal["chat", "check", "search", "admin"]
KEY_PREFIX = "tp_"
SCOPES: tuple[Scope, ...] = ("chat", "check", "search", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A customer's message as it arrives; `client_id` names it, for repeats.

    `profile` is what the caller tells of the customer; empty leaves what was told before.
    """

    conversation_id: str
    client_id: str
    text: str
    user_id: str | None = None
    channel: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message on record."""

    id: int
    conversation_id: str
    client_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with a message.

    now: its turn has come, `state` is the conversation's; wait: others are before it, or another
    request works on it; answered: `reply` was given; failed: for `reason`; gone: erased.
    `abandoned` is the message at the head of the line if its request has died.
    """

    status: Literal["now", "wait", "answered", "failed", "gone"]
    state: State | None = None
    reply: Reply | None = None
    reason: str | None = None
    abandoned: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationInfo:
    """A conversation in a list."""

    id: str
    user_id: str | None
    channel: str | None
    created_at: datetime
    updated_at: datetime
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """An API key without its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def usable(self, at: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something to be sent to a `destination`, which names a kind of sender, not an address."""

    destination: str
    payload: Mapping[str, Any]
    id: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An admin act: who did what to what."""

    at: datetime
    actor: str
    act: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
