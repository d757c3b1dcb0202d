"""What a support system tells, and what an integration is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.store.types import Delivery
from bot.types import Reply

if TYPE_CHECKING:
    from httpx2 import AsyncClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A customer wrote something, in a conversation that the bot has.

    `event_id` is the same in every repeat. `text` is empty if there is nothing to read. `at` is
    the time if the call also says that the bot has the conversation, else None.
    """

    conversation_id: str
    event_id: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A person has the conversation; `said` if that only shows in what they wrote."""

    conversation_id: str
    said: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The bot has the conversation again, since a time."""

    conversation_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A delivery has arrived."""

    conversation_id: str
    delivery_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing that concerns the bot."""


Event = Said | Taken | Returned | Confirmed | Ignored


class Integration(Protocol):
    """A support system. Its conversations' ids begin with its name and a colon."""

    name: str

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Makes sure that a call comes from the support system, and now.

        Raises:
            Forged: It can't be known.
        """
        ...

    def read(self, headers: Mapping[str, str], body: bytes) -> Event:
        """What a verified call tells.

        Raises:
            IntegrationError: It isn't of the form that is expected.
        """
        ...

    def replied(self, reply: Reply) -> Sequence[Delivery]:
        """What is to be sent for a reply; with a handoff, that a person is needed."""
        ...

    def passed_on(self, conversation_id: str, text: str) -> Sequence[Delivery]:
        """What is to be sent when a person is needed and there is no reply.

        Args:
            conversation_id: The conversation.
            text: What the customer is told; nothing if empty.
        """
        ...

    async def send(self, client: "AsyncClient", delivery: Delivery) -> None:
        """Sends a delivery.

        Raises:
            NotDelivered: It didn't arrive, as far as is known.
        """
        ...
