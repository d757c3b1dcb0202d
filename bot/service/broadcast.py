"""A reply's events for all who wait for it, from the first or from where a client left off.

An event's id is the broadcast's mark and the event's number. A client that lost its connection
sends the message again, under the same id, with the last event's id; it gets the events after
that one. With a mark that isn't known here (another process, long ago) it gets all of them again.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from sse_starlette import ServerSentEvent

from bot.render import reply_json
from bot.service.conversations import Ticket
from bot.service.problems import ProblemError, problem_of
from bot.service.streaming import Exchange
from bot.types import Reply

LOOKING = "looking it up"
MARK_CHARS = 8
KEPT_S = 60.0
MOST_KEPT = 500
FIRST_S = 1.0


class Broadcast:
    """Makes a reply once and tells it to all who listen; without listeners it stops.

    Args:
        exchange: The message's way to its reply.
        instance: The request's path, for a problem.
        patience_s: How long it goes on when the last listener has left.
    """

    def __init__(self, exchange: Exchange, instance: str, patience_s: float) -> None:
        self.message = exchange.ticket.message
        self.done = False
        self.problem: ProblemError | None = None
        self.reply: Reply | None = None
        self._exchange = exchange
        self._mark = exchange.ticket.owner[:MARK_CHARS]
        self._instance = instance
        self._patience_s = patience_s
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._more = asyncio.Event()
        self._listeners = 0
        self._loop = asyncio.get_running_loop()
        self._leaving = self._loop.call_later(max(patience_s, FIRST_S), self._abandon)
        self.forgetting: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._run())

    async def outcome(self) -> Reply:
        """The reply.

        Raises:
            ProblemError: There is none.
        """
        async with aclosing(self._listen(0)) as listening:
            async for _ in listening:
                pass
        if self.reply is None:
            raise self.problem or ProblemError(503, "cancelled", "The service is stopping.")
        return self.reply

    async def events(self, last_event_id: str) -> AsyncGenerator[ServerSentEvent]:
        """The events after the last that a client got; an empty id is before the first."""
        mark, _, number = last_event_id.rpartition("-")
        known = mark == self._mark and number.isascii() and number.isdigit()
        async with aclosing(self._listen(int(number[:9]) + 1 if known else 0)) as listening:
            async for at, name, data in listening:
                key = f"{self._mark}-{at}"
                yield ServerSentEvent(event=name, id=key, data=json.dumps(data), sep="\n")

    async def stop(self) -> None:
        """Ends it, told or not."""
        self._abandon(forced=True)
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        opening = {
            "text": LOOKING,
            "conversation_id": self.message.conversation_id,
            "message_id": self.message.client_id,
        }
        self._add("status", opening)
        try:
            async with aclosing(self._exchange.items()) as items:
                async for item in items:
                    if isinstance(item, Reply):
                        self.reply = item
                        self._add("reply", reply_json(item))
                    else:
                        self._add("sentence", asdict(item))
        except Exception as error:  # noqa: BLE001 - the API's edge
            self.problem = problem_of(error)
            self._add("error", self.problem.json(self._instance))
        finally:
            self.done = True
            self._leaving.cancel()
            self._more.set()

    def _add(self, name: str, data: dict[str, Any]) -> None:
        self._events.append((name, data))
        self._more.set()
        self._more = asyncio.Event()

    async def _listen(self, start: int) -> AsyncGenerator[tuple[int, str, dict[str, Any]]]:
        self._listeners += 1
        self._leaving.cancel()
        try:
            at = start
            while True:
                more = self._more
                while at < len(self._events):
                    yield (at, *self._events[at])
                    at += 1
                if self.done:
                    return
                await more.wait()
        finally:
            self._listeners -= 1
            if not self._listeners and not self.done:
                self._leaving = self._loop.call_later(self._patience_s, self._abandon)

    def _abandon(self, forced: bool = False) -> None:
        if forced or not self._listeners:
            self._leaving.cancel()
            self._task.cancel()


class Broadcasts:
    """The replies that are being made, and for a minute those that were, the last 500 at most."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Broadcast] = {}

    def has(self, conversation_id: str, client_id: str) -> bool:
        """Whether a message's reply is at hand."""
        found = self._known.get((conversation_id, client_id))
        return found is not None and not found.problem

    def find(self, ticket: Ticket) -> Broadcast | None:
        """The broadcast of a message on record, if it is this very one and not failed."""
        found = self._known.get(_key(ticket))
        if found is None or found.message != ticket.message or (found.done and not found.reply):
            return None
        return found

    def start(self, exchange: Exchange, instance: str, patience_s: float) -> Broadcast:
        """Begins to make a reply."""
        made = Broadcast(exchange, instance, patience_s)
        key = _key(exchange.ticket)
        self._known[key] = made
        made.forgetting = asyncio.get_running_loop().call_later(
            exchange.timeout_s + KEPT_S, lambda: self._drop(key, made)
        )
        self._make_room()
        return made

    def forget(self, conversation_id: str) -> None:
        """Drops what was told in a conversation that is erased."""
        for key in [key for key in self._known if key[0] == conversation_id]:
            if self._known[key].done:
                del self._known[key]

    async def close(self) -> None:
        """Ends those that nobody will hear to their end."""
        await asyncio.gather(*(each.stop() for each in self._known.values() if not each.done))

    def _make_room(self) -> None:
        """Drops the oldest that is done if there are too many; its timer would hold it."""
        if len(self._known) > MOST_KEPT:
            oldest = next((key for key, each in self._known.items() if each.done), None)
            dropped = self._known.pop(oldest) if oldest else None
            if dropped and dropped.forgetting:
                dropped.forgetting.cancel()

    def _drop(self, key: tuple[str, str], made: Broadcast) -> None:
        if self._known.get(key) is made:
            del self._known[key]


def _key(ticket: Ticket) -> tuple[str, str]:
    return ticket.message.conversation_id, ticket.message.client_id
