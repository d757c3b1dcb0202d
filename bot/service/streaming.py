"""A message's way to its reply, and what is sent to a client for as long as it listens."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from bot.service.conversations import Conversations, Ticket, after, interrupted, unknown
from bot.service.lane import Job
from bot.service.problems import ProblemError, too_slow
from bot.types import Reply, Sentence, State

HEARTBEAT_S = 10
DRAIN_S = 15.0
POLL_S = 0.05
T = TypeVar("T")
Item = Sentence | State | Reply
Begin = Callable[[str, State, float], Job[Item]]


class Exchange:
    """A message on its way to its reply: waits for its turn, then answers it, on record.

    Args:
        ticket: The message.
        conversations: Where it is on record.
        begin: Puts the pipeline in line for a question and a state, with the seconds left.
        timeout_s: How long the whole may take.
    """

    def __init__(
        self, ticket: Ticket, conversations: Conversations, begin: Begin, timeout_s: float
    ) -> None:
        self.ticket = ticket
        self.timeout_s = timeout_s
        self._conversations = conversations
        self._begin = begin
        self._deadline = time.monotonic() + timeout_s
        self._job: Job[Item] | None = None
        self._then: State | None = None
        self._state: State | None = None

    async def start(self) -> None:
        """Gets in line at once if its turn has come already.

        Raises:
            ProblemError: The line is full (429); then the message isn't on record either.
        """
        standing = await self._conversations.standing(self.ticket)
        if standing.status == "now" and standing.state:
            try:
                self._get_in_line(standing.state)
            except ProblemError:
                await self._conversations.withdraw(self.ticket)
                raise

    def cancel(self) -> None:
        """Stops the generation at its next sentence."""
        if self._job:
            self._job.cancel()

    async def items(self) -> AsyncGenerator[Sentence | Reply]:
        """The verified sentences and the reply, which is on record by then.

        Raises:
            Exception: What the pipeline raised; an end without a reply is an error too.
        """
        try:
            async with (
                self._conversations.attended(self.ticket),
                aclosing(self._items()) as items,
            ):
                async for item in items:
                    yield item
        except Exception as error:
            with suppress(Exception):  # the first error is the one to tell
                await self._conversations.fail(self.ticket, error)
            raise
        except BaseException:  # the client went away
            self._conversations.drop(self.ticket)
            raise
        finally:
            self.cancel()

    async def reply(self) -> Reply:
        """The whole reply."""
        async with aclosing(self.items()) as items:
            async for item in items:
                if isinstance(item, Reply):
                    return item
        raise AssertionError("items() ends with a reply or raises")

    async def _items(self) -> AsyncGenerator[Sentence | Reply]:
        given = await self._wait()
        if given is None:
            assert self._job is not None
            async with aclosing(self._job.items()) as items:
                async for item in items:
                    if isinstance(item, State):
                        self._then = item
                        continue
                    if isinstance(item, Reply):
                        yield await self._record(item)
                        return
                    yield item
            raise RuntimeError("the pipeline ended without a reply")
        for sentence in given.sentences:
            yield sentence
        yield given

    async def _wait(self) -> Reply | None:
        """Waits for the turn; gives the reply if another request got it meanwhile."""
        while self._job is None:
            standing = await self._conversations.standing(self.ticket)
            if standing.status == "answered":
                return standing.reply
            if standing.status in ("failed", "gone"):
                raise interrupted() if standing.status == "failed" else unknown()
            if time.monotonic() > self._deadline:
                raise too_slow(self.timeout_s)
            if standing.abandoned:
                await self._take_over(Ticket(message=standing.abandoned, owner=self.ticket.owner))
            elif standing.status == "now" and standing.state:
                with suppress(ProblemError):  # it has waited already: it goes on until its time
                    self._get_in_line(standing.state)
            if self._job is None:
                await asyncio.sleep(POLL_S)
        return None

    def _get_in_line(self, state: State) -> None:
        left = self._deadline - time.monotonic()
        self._job = self._begin(self.ticket.message.text, state, left)
        self._state = state

    async def _take_over(self, abandoned: Ticket) -> None:
        """Answers for a request that has died, be it for this same message or the one before."""
        taken = await self._conversations.take_over(abandoned)
        if taken and abandoned.message.id != self.ticket.message.id:
            exchange = Exchange(abandoned, self._conversations, self._begin, self.timeout_s)
            await self._conversations.on_its_own(exchange.reply())

    async def _record(self, reply: Reply) -> Reply:
        assert self._state is not None
        state = after(self._state, self.ticket.message, reply, self._then)
        if await self._conversations.finish(self.ticket, state, reply):
            return reply
        standing = await self._conversations.standing(self.ticket)
        if standing.status == "gone":  # erased meanwhile: told, not kept
            return reply
        if standing.reply is None:
            raise interrupted()
        return standing.reply


def event_stream(
    events: AsyncGenerator[ServerSentEvent], gone: Callable[[], None] = lambda: None
) -> EventSourceResponse:
    """Events as a response, kept open by heart-beats; a stop of the service waits for its end.

    Args:
        events: What is sent.
        gone: Called when the client has left.
    """

    async def left(message: object) -> None:
        gone()

    return EventSourceResponse(
        events, ping=HEARTBEAT_S, sep="\n", client_close_handler_callable=left,
        ping_message_factory=lambda: ServerSentEvent(comment="still here", sep="\n"),
        shutdown_grace_period=DRAIN_S,
    )  # fmt: skip


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What work gives, for a client that waits for it; one that goes away cancels it.

    Raises:
        ProblemError: The client went away; nobody will read this.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ProblemError(408, "cancelled", "The client went away.")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
