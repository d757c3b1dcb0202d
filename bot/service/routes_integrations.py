"""`POST /integrations/{name}/webhook`: support systems call; the work is done after the answer.

There is no key here: a call is let in by its signature.
"""

import asyncio
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from bot.integrations.errors import Forged, IntegrationError
from bot.integrations.types import Confirmed, Event, Integration, Returned, Said, Taken
from bot.service.problems import ProblemError
from bot.service.schemas import clean
from bot.service.shared import Service, Shared
from bot.store.types import Incoming

router = APIRouter(prefix="/integrations")
Outcome = Literal["accepted", "repeated", "left_to_a_person", "ignored"]


class Heard(BaseModel):
    """What becomes of a call."""

    status: Outcome


@router.post("/{name}/webhook")
async def webhook(name: str, request: Request, service: Shared) -> Heard:
    """What happened in a support system's conversation; the vendor's own body and signature."""
    integration = service.integrations.named(name)
    if integration is None:
        raise ProblemError(404, "unknown-integration", "No such integration is configured here.")
    body = await request.body()
    try:
        integration.verify(request.headers, body)
        event = integration.read(request.headers, body)
    except Forged as error:
        raise ProblemError(401, "forged", f"Not let in: {error}.") from None
    except IntegrationError as error:
        raise ProblemError(422, "invalid", str(error)) from None
    return Heard(status=await _take(service, integration, event))


async def _take(service: Service, integration: Integration, event: Event) -> Outcome:
    handovers = service.store.handovers
    if isinstance(event, Said):
        return await _answer(service, integration, event)
    if isinstance(event, Taken):
        opened = integration.passed_on(event.conversation_id, "") if event.said else ()
        await asyncio.to_thread(handovers.to_person, event.conversation_id, opened)
        return "left_to_a_person"
    if isinstance(event, Returned):
        await asyncio.to_thread(handovers.to_bot, event.conversation_id, event.at)
        return "accepted"
    if isinstance(event, Confirmed):
        confirm = service.store.outbox.confirm
        await asyncio.to_thread(confirm, event.delivery_id, event.conversation_id)
        return "accepted"
    return "ignored"


async def _answer(service: Service, integration: Integration, event: Said) -> Outcome:
    """Puts a message on record and begins its reply; a person gets what the bot can't read.

    Raises:
        ProblemError: It can't answer yet, or too many messages wait: the support system hears
            it at once and passes the conversation to people.
    """
    name, store = event.conversation_id, service.store
    if await asyncio.to_thread(store.turns.known, name, event.event_id):
        return "repeated"
    if not await asyncio.to_thread(store.handovers.to_bot, name, event.at):
        # It asked us, so it may not know: a second word to it does no harm, silence does.
        await _pass_on(service, integration, name)
        return "left_to_a_person"
    text = _readable(event.text)
    if not text:
        await asyncio.to_thread(store.handovers.to_person, name, service.integrations.failed(name))
        return "left_to_a_person"
    service.readiness.parts()
    ticket = await service.conversations.receive(
        Incoming(
            conversation_id=name, client_id=event.event_id, text=text, channel=integration.name
        )
    )
    service.conversations.spawn(service.exchange(ticket).reply())
    return "accepted"


async def _pass_on(service: Service, integration: Integration, name: str) -> None:
    for delivery in integration.passed_on(name, ""):
        await asyncio.to_thread(service.store.outbox.put, delivery, name)


def _readable(text: str) -> str:
    """The text as other routes take it in; empty if they wouldn't."""
    try:
        return clean(text)
    except ValueError:  # nothing but attachments, or far too long
        return ""
