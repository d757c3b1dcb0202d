"""A chat reply, whole or as Server-Sent Events: `status`, `sentence`, `reply`, `error`."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import asdict
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent

from bot.render import reply_json
from bot.service.conversations import Conversations, Ticket, after, interrupted, unknown
from bot.service.lane import Job
from bot.service.problems import ProblemError, problem_of, too_slow
from bot.types import Reply, Sentence, State

HEARTBEAT_S = 10
DRAIN_S = 15.0
POLL_S = 0.05
LOOKING = "looking it up"
Begin = Callable[[str, State, float], Job[Sentence | Reply]]


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
        self._job: Job[Sentence | Reply] | None = None
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

    async def events(self, instance: str) -> AsyncGenerator[ServerSentEvent]:
        """The reply as events; the first comes at once. An error is the last.

        Args:
            instance: The request's path, for a problem.
        """
        try:
            opening = {
                "text": LOOKING,
                "conversation_id": self.ticket.message.conversation_id,
                "message_id": self.ticket.message.client_id,
            }
            yield _event("status", opening)
            async with aclosing(self.items()) as items:
                async for item in items:
                    if isinstance(item, Reply):
                        yield _event("reply", reply_json(item))
                    else:
                        yield _event("sentence", asdict(item))
        except Exception as error:  # noqa: BLE001 - the API's edge
            problem, mark = problem_of(error)
            yield _event("error", problem.json(mark or instance))
        finally:
            self.cancel()

    def response(self, instance: str) -> EventSourceResponse:
        """The events as a response; a client that goes away stops the generation."""

        async def gone(message: object) -> None:
            self.cancel()

        return EventSourceResponse(
            self.events(instance),
            ping=HEARTBEAT_S,
            ping_message_factory=lambda: ServerSentEvent(comment="still here"),
            client_close_handler_callable=gone,
            shutdown_grace_period=DRAIN_S,
        )

    async def _items(self) -> AsyncGenerator[Sentence | Reply]:
        given = await self._wait()
        if given is None:
            assert self._job is not None
            async with aclosing(self._job.items()) as items:
                async for item in items:
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
        state = after(self._state, self.ticket.message, reply)
        if await self._conversations.finish(self.ticket, state, reply):
            return reply
        standing = await self._conversations.standing(self.ticket)
        if standing.status == "gone":  # erased meanwhile: told, not kept
            return reply
        if standing.reply is None:
            raise interrupted()
        return standing.reply


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data))
