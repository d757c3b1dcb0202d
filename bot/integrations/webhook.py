"""The signed webhook, for any other support system: Standard Webhooks in both directions.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.integrations.config import IntegrationsConfig
from bot.integrations.errors import IntegrationError
from bot.integrations.posting import post
from bot.integrations.signatures import (
    require_fresh,
    require_same,
    standard_key,
    standard_signature,
)
from bot.integrations.types import Event, Returned, Said, Taken
from bot.render import reply_json
from bot.store.types import Delivery
from bot.types import Reply

if TYPE_CHECKING:
    from httpx2 import AsyncClient

NAME = "webhook"


class Call(BaseModel):
    """What a support system sends."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["message", "taken_over", "given_back"]
    conversation_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
    message: Annotated[str, Field(max_length=10_000)] = ""


class Webhook:
    """A support system that speaks our own protocol.

    Args:
        config: Address and secret.
        clock: Stands for the time in tests.

    Raises:
        ConfigError: The secret isn't of the right form.
    """

    name = NAME

    def __init__(self, config: IntegrationsConfig, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock
        self._key = standard_key(config.webhook_secret)

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Checks `webhook-signature` over `webhook-id`, `webhook-timestamp` and the body."""
        event_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        expected = standard_signature(self._key, event_id, at, body)
        require_same(expected, headers.get("webhook-signature", ""))
        require_fresh(at, self._clock(), self._config.window_s)

    def read(self, headers: Mapping[str, str], body: bytes) -> Event:
        """A message, or who has the conversation."""
        event_id = headers.get("webhook-id", "")
        try:
            call = Call.model_validate_json(body)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, item["loc"])) for item in error.errors()[:5])
            raise IntegrationError(f"the webhook isn't as expected in: {fields}") from None
        if not 0 < len(event_id) <= 150:
            raise IntegrationError("webhook-id has no value, or over 150 characters")
        name = f"{NAME}:{call.conversation_id}"
        if call.type == "taken_over":
            return Taken(conversation_id=name)
        if call.type == "given_back":
            end = float(headers["webhook-timestamp"]) + 1  # of the second that it names
            return Returned(conversation_id=name, at=datetime.fromtimestamp(end, UTC))
        return Said(conversation_id=name, event_id=event_id, text=call.message.strip())

    def replied(self, reply: Reply) -> Sequence[Delivery]:
        """The whole reply."""
        if not reply.text and reply.action != "handoff":
            return []
        told = reply_json(reply) | {"conversation_id": _theirs(reply.conversation_id)}
        return [
            _delivery(reply.conversation_id, "reply", handoff=reply.action == "handoff", reply=told)
        ]

    def passed_on(self, conversation_id: str, text: str) -> Sequence[Delivery]:
        """A handoff without a reply."""
        return [_delivery(conversation_id, "handoff", handoff=True, text=text)]

    async def send(self, client: "AsyncClient", delivery: Delivery) -> None:
        """Posts it, signed; its id is the same each time it is tried."""
        body = json.dumps(dict(delivery.payload), ensure_ascii=False).encode()
        event_id, at = f"truepenny-{delivery.id}", str(int(self._clock()))
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": at,
            "webhook-signature": standard_signature(self._key, event_id, at, body),
        }
        await post(client, self._config.webhook_url, body, headers)


def _delivery(conversation_id: str, kind: str, **fields: Any) -> Delivery:
    payload = {"type": kind, "conversation_id": _theirs(conversation_id), **fields}
    return Delivery(destination=NAME, payload=payload)


def _theirs(conversation_id: str) -> str:
    return conversation_id.removeprefix(f"{NAME}:")
