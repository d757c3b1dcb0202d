"""What the routes share, and who calls them."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from bot.integrations.integrations import Integrations
from bot.service.broadcast import Broadcast, Broadcasts
from bot.service.config import ServiceConfig
from bot.service.conversations import Conversations, Ticket
from bot.service.keys import Access, Caller
from bot.service.lane import Job, Lane, at_once
from bot.service.metrics import Metrics
from bot.service.readiness import Readiness, Stream
from bot.service.reuse import Reuse
from bot.service.streaming import Exchange, Item
from bot.service.tracing import Tracing, observed
from bot.store.types import Incoming
from bot.types import State
from models.errors import TruepennyError

if TYPE_CHECKING:
    from bot.parts import Parts
    from bot.store.store import Store

log = logging.getLogger("truepenny.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the routes share. Replies have a lane of their own; searches and checks another."""

    config: ServiceConfig
    readiness: Readiness
    stream: Stream
    reuse: Reuse
    replies: Lane
    lookups: Lane
    store: "Store"
    conversations: Conversations
    access: Access
    broadcasts: Broadcasts
    integrations: Integrations
    metrics: Metrics
    tracing: Tracing

    def exchange(self, ticket: Ticket) -> Exchange:
        """A message's way to its reply.

        Raises:
            ProblemError: The service can't answer yet, or never (503).
        """
        parts = self.readiness.parts()

        def begin(question: str, state: State, timeout_s: float) -> Job[Item]:
            return self.reply(question, state, parts, ticket.channel, timeout_s)

        return Exchange(ticket, self.conversations, begin, self.config.reply_timeout_s)

    def reply(
        self, question: str, state: State, parts: "Parts", channel: str | None, timeout_s: float
    ) -> Job[Item]:
        """Begins a reply: at once if it is at hand, else in line.

        Args:
            question: The message.
            state: The conversation before it.
            parts: What it is made with.
            channel: Where it came from; None for a reply that must not be served again.
            timeout_s: How long it may take.

        Raises:
            ProblemError: The line is full (429).
        """
        kept = self.config.history_turns
        shown = replace(state, turns=state.turns[-kept:] if kept else ())
        again = self.reuse.find(question, shown, channel, parts)
        stream = self.reuse.over(self.stream, channel, again)
        seen = observed(stream, self.metrics, self.tracing.tracer)
        work = partial(seen, question, shown, **parts)
        return at_once(work, timeout_s) if again else self.replies.submit(work, timeout_s)

    def require_room(self, incoming: Incoming) -> None:
        """Refuses early a message that would be refused once it is on record.

        Raises:
            ProblemError: The service can't answer (503), or the line is full (429).
        """
        parts = self.readiness.parts()
        if self.broadcasts.has(incoming.conversation_id, incoming.client_id):
            return
        new = State(conversation_id=incoming.conversation_id)
        if not self.reuse.find(incoming.text, new, incoming.channel or "", parts):
            self.replies.require_room()

    async def broadcast(self, ticket: Ticket, instance: str, patience_s: float) -> Broadcast:
        """Begins to make a message's reply, for any number of listeners.

        Raises:
            ProblemError: The service can't answer (503), or the line is full (429).
        """
        exchange = self.exchange(ticket)
        await exchange.start()
        return self.broadcasts.start(exchange, instance, patience_s)

    async def recover(self) -> None:
        """Answers messages whose process has died, for as long as the service runs."""
        while True:
            await asyncio.sleep(self.store.turns.lease_s)
            if self.readiness.status == "ready":
                with suppress(TruepennyError):  # the database is away: the next time
                    for ticket in await self.conversations.abandoned():
                        await self._take_up(ticket)

    async def _take_up(self, ticket: Ticket) -> None:
        if await self.conversations.take_over(ticket):
            try:
                await self.exchange(ticket).reply()
            except Exception as error:  # noqa: BLE001 - it is noted with the message
                log.warning("an interrupted message got no reply: %s", type(error).__name__)


def shared(request: Request) -> Service:
    """The app's service."""
    service: Service = request.app.state.service
    return service


def calling(request: Request) -> Caller:
    """Who calls, as the gate found."""
    caller: Caller = request.state.caller
    return caller


Shared = Annotated[Service, Depends(shared)]
Calling = Annotated[Caller, Depends(calling)]
