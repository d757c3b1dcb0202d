"""Chatwoot's agent bot: it has a conversation while that is `pending`, people have all others.

Chatwoot sends everything that happens, the bot's own messages too; those confirm deliveries. A
bot may not look a conversation up, so what is known of its status comes from these calls.

Source: https://developers.chatwoot.com (agent bots; create a message; toggle status)
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from bot.integrations.config import IntegrationsConfig
from bot.integrations.errors import Forged, IntegrationError
from bot.integrations.posting import post
from bot.integrations.signatures import chatwoot_signature, require_fresh, require_same
from bot.integrations.types import Confirmed, Event, Ignored, Returned, Said, Taken
from bot.store.types import Delivery
from bot.types import Handoff, Reply

if TYPE_CHECKING:
    from httpx2 import AsyncClient

NAME = "chatwoot"
MARK = "truepenny_delivery"
PENDING = "pending"
STATUS_EVENTS = ("conversation_opened", "conversation_resolved")
CHANGE_EVENTS = ("conversation_updated", "conversation_status_changed")


class Account(BaseModel):
    """Whose conversation it is."""

    id: int


class Sender(BaseModel):
    """Who wrote: `user` is a person of the support, `agent_bot` a bot, else the customer."""

    type: str | None = None


class Status(BaseModel):
    """A conversation."""

    id: int
    status: str


class Change(BaseModel):
    """What became of a field."""

    current_value: Any = None


class Call(BaseModel):
    """What Chatwoot sends, as far as it matters here."""

    event: str
    id: int | None = None
    account: Account | None = None
    content: str | None = None
    message_type: Literal["incoming", "outgoing", "activity", "template"] | None = None
    private: bool | None = False
    created_at: datetime | None = None
    sender: Sender | None = None
    conversation: Status | None = None
    content_attributes: dict[str, Any] | None = None
    status: Any = None
    changed_attributes: list[dict[str, Change]] | None = Field(default=None)


class Chatwoot:
    """The agent bot of one account.

    Args:
        config: Address, account and secrets.
        clock: Stands for the time in tests.
    """

    name = NAME

    def __init__(self, config: IntegrationsConfig, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Checks `X-Chatwoot-Signature`; without a signature only if that is configured."""
        given, at = headers.get("x-chatwoot-signature", ""), headers.get("x-chatwoot-timestamp", "")
        if not given and self._config.chatwoot_unsigned:
            return
        if not self._config.chatwoot_secret:
            raise Forged("the call is signed, and there is no secret here to check it with")
        require_same(chatwoot_signature(self._config.chatwoot_secret, at, body), given)
        require_fresh(at, self._clock(), self._config.window_s)

    def read(self, headers: Mapping[str, str], body: bytes) -> Event:
        """What happened in a conversation of this account."""
        try:
            call = Call.model_validate_json(body)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, item["loc"])) for item in error.errors()[:5])
            raise IntegrationError(f"Chatwoot's call isn't as expected in: {fields}") from None
        if call.account and call.account.id != self._config.chatwoot_account:
            return Ignored()
        if call.event == "message_created" and call.conversation and call.id is not None:
            return self._message(call, call.id, call.conversation)
        if call.event in STATUS_EVENTS and call.id is not None:
            return Taken(conversation_id=self._named(call.id))
        if call.event in CHANGE_EVENTS and call.id is not None:
            return self._changed(call, call.id)
        return Ignored()

    def replied(self, reply: Reply) -> Sequence[Delivery]:
        """The text; with a handoff also a note for the person, and the conversation opened."""
        given = [_message(reply.conversation_id, _text(reply))] if reply.text else []
        if reply.action == "handoff":
            if reply.handoff and (note := _note(reply.handoff)):
                given.append(_message(reply.conversation_id, note, private=True))
            given.append(_open(reply.conversation_id))
        return given

    def passed_on(self, conversation_id: str, text: str) -> Sequence[Delivery]:
        """The text and the conversation opened."""
        return [*([_message(conversation_id, text)] if text else []), _open(conversation_id)]

    async def send(self, client: "AsyncClient", delivery: Delivery) -> None:
        """Posts a message, or opens a conversation for people."""
        payload = dict(delivery.payload)
        account, conversation = payload.pop("conversation").split("/")
        path = f"api/v1/accounts/{account}/conversations/{conversation}/{payload.pop('path')}"
        if "content" in payload:
            payload["content_attributes"] = {MARK: delivery.id}
        headers = {"api_access_token": self._config.chatwoot_token}
        await post(client, f"{self._config.chatwoot_url}/{path}", _json(payload), headers)

    def _named(self, conversation: int) -> str:
        return f"{NAME}:{self._config.chatwoot_account}:{conversation}"

    def _message(self, call: Call, message: int, conversation: Status) -> Event:
        name, pending = self._named(conversation.id), conversation.status == PENDING
        if call.message_type == "outgoing":
            mark = (call.content_attributes or {}).get(MARK)
            if isinstance(mark, int):
                return Confirmed(conversation_id=name, delivery_id=mark)
            if call.private or not call.sender or call.sender.type != "user":
                return Ignored()
            return Taken(conversation_id=name, said=pending)
        if call.message_type != "incoming" or call.private:
            return Ignored()
        if not pending:
            return Taken(conversation_id=name)
        return Said(
            conversation_id=name, event_id=f"message:{message}",
            text=(call.content or "").strip(), at=self._time(call.created_at),
        )  # fmt: skip

    def _changed(self, call: Call, conversation: int) -> Event:
        """`changed_attributes` names the status only if that has changed."""
        name = self._named(conversation)
        for changes in call.changed_attributes or []:
            if change := changes.get("status"):
                if change.current_value == PENDING:
                    return Returned(conversation_id=name, at=self._time(None))
                return Taken(conversation_id=name)
        return Ignored()

    def _time(self, given: datetime | None) -> datetime:
        if given is None:
            return datetime.fromtimestamp(self._clock(), UTC)
        return given if given.tzinfo else given.replace(tzinfo=UTC)


def _message(conversation_id: str, text: str, private: bool = False) -> Delivery:
    return _delivery(
        conversation_id, "messages", content=text, message_type="outgoing", private=private
    )


def _open(conversation_id: str) -> Delivery:
    return _delivery(conversation_id, "toggle_status", status="open")


def _delivery(conversation_id: str, path: str, **fields: object) -> Delivery:
    _, account, conversation = conversation_id.split(":")
    payload = {"conversation": f"{account}/{conversation}", "path": path, **fields}
    return Delivery(destination=NAME, payload=payload)


def _text(reply: Reply) -> str:
    """The text, and links to the articles that it cites."""
    links = {c.url: c.title for c in reply.citations if c.kind == "passage" and c.url}
    lines = [f"- [{title}]({url})" for url, title in links.items()]
    return "\n\n".join([reply.text, "\n".join(lines)]) if lines else reply.text


def _note(handoff: Handoff) -> str:
    lines = [handoff.summary, *(f"- {finding}" for finding in handoff.evidence)]
    return "\n".join(line for line in lines if line)


def _json(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()
