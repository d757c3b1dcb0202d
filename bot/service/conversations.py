"""Conversations as the service handles them: one message after another, each on record first."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bot.integrations.integrations import Integrations
from bot.service.problems import RETRY_S, ProblemError, busy
from bot.store.types import Delivery, Incoming, Message, Standing, now
from bot.types import Reply, State, Turn
from models.errors import TruepennyError

if TYPE_CHECKING:
    from bot.store.store import Store

log = logging.getLogger("truepenny.service")
KEPT_TURNS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A message on record, and the request that waits for it; `channel` None is not known."""

    message: Message
    owner: str
    channel: str | None = None


class Conversations:
    """The store's turns for the event loop."""

    def __init__(self, store: "Store", most_waiting: int, integrations: Integrations) -> None:
        self.store = store
        self._integrations = integrations
        self._most = most_waiting + 1
        self._tasks: set[asyncio.Task[Any]] = set()

    async def receive(self, incoming: Incoming) -> Ticket:
        """Puts a message on record; a repeat finds the one that is there.

        Raises:
            ProblemError: Too many messages of the conversation wait (429), the message's id
                stands for another text (409), or the conversation is another user's (403).
        """
        owner = uuid.uuid4().hex
        got = await asyncio.to_thread(self.store.turns.receive, incoming, owner, self._most)
        if isinstance(got, Message):
            return Ticket(message=got, owner=owner, channel=incoming.channel or "")
        if got == "full":
            raise busy()
        if got == "reused":
            raise ProblemError(
                409, "message-id-reused", "This message_id was sent before with another message."
            )
        raise ProblemError(403, "forbidden", "This conversation belongs to another user.")

    async def standing(self, ticket: Ticket) -> Standing:
        """How it stands with a message."""
        return await asyncio.to_thread(self.store.turns.standing, ticket.message.id, ticket.owner)

    async def take_over(self, ticket: Ticket) -> bool:
        """Takes a message whose request has died."""
        return await asyncio.to_thread(
            self.store.turns.take_over, ticket.message.id, ticket.owner, self._failed(ticket)
        )

    async def abandoned(self) -> list[Ticket]:
        """The messages that can be taken over."""
        found = await asyncio.to_thread(self.store.turns.abandoned, self._most)
        return [Ticket(message=message, owner=uuid.uuid4().hex) for message in found]

    async def finish(self, ticket: Ticket, state: State, reply: Reply) -> bool:
        """Records a reply, the state after it and what goes out; False if it must not count."""
        kept = replace(state, turns=state.turns[-KEPT_TURNS:])
        kept, deliveries = self._integrations.replied(kept, reply)
        return await asyncio.to_thread(
            self.store.turns.finish, ticket.message.id, ticket.owner, reply, kept, deliveries
        )

    async def fail(self, ticket: Ticket, error: Exception) -> None:
        """Notes that a message got no reply, and why, without what was written."""
        kind = error.kind if isinstance(error, ProblemError) else type(error).__name__
        await asyncio.to_thread(
            self.store.turns.fail, ticket.message.id, ticket.owner, kind, self._failed(ticket)
        )

    async def withdraw(self, ticket: Ticket) -> None:
        """Takes a refused message off the record."""
        await asyncio.to_thread(self.store.turns.withdraw, ticket.message.id, ticket.owner)

    def drop(self, ticket: Ticket) -> None:
        """Notes that the client went away; at once, where nothing can be waited for.

        A message of a support system has no client that waits: another process takes it up.
        """
        if self._integrations.of(ticket.message.conversation_id):
            release = self.store.turns.release
            self.spawn(asyncio.to_thread(release, ticket.message.id, ticket.owner))
            return
        gone = ProblemError(499, "cancelled", "The client went away.")
        self.spawn(self.fail(ticket, gone))

    async def on_its_own(self, work: Coroutine[Any, Any, Any]) -> None:
        """Waits for work that goes on even if nobody waits any more. Its errors are its own."""
        await asyncio.wait([self.spawn(work)])

    async def settle(self, seconds: float) -> None:
        """Gives what goes on on its own some time to end, then stops it."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()

    async def close(self) -> None:
        """Waits for what goes on on its own."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begins work that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _failed(self, ticket: Ticket) -> Sequence[Delivery]:
        return self._integrations.failed(ticket.message.conversation_id)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("a message got no reply: %s", type(error).__name__)

    @asynccontextmanager
    async def attended(self, ticket: Ticket) -> AsyncGenerator[None]:
        """Renews the claim on a message as long as somebody waits for it."""
        task = asyncio.create_task(self._renew(ticket))
        try:
            yield
        finally:
            task.cancel()

    async def _renew(self, ticket: Ticket) -> None:
        turns = self.store.turns
        while True:
            await asyncio.sleep(turns.lease_s / 3)
            with suppress(TruepennyError):  # the next time, perhaps; else the claim runs out
                await asyncio.to_thread(turns.renew, ticket.message.id, ticket.owner)


def after(state: State, message: Message, reply: Reply, then: State | None = None) -> State:
    """The state after a question and its reply.

    `then` is what the pipeline made of it, of which it was shown only the last turns.
    """
    asked = Turn(role="user", text=message.text, at=message.at.isoformat(timespec="seconds"))
    at = now().isoformat(timespec="seconds")
    said = Turn(role="assistant", text=reply.text, at=at, reply_id=reply.reply_id)
    if then is None:
        return replace(state, turns=(*state.turns, asked, said))
    heard, *spoken = then.turns[-2:] if reply.text else then.turns[-1:]
    told = [replace(turn, at=at) for turn in spoken]
    return replace(then, turns=(*state.turns, replace(asked, trace=heard.trace), *told))


def interrupted() -> ProblemError:
    """A message got no reply, and why is another request's affair."""
    return ProblemError(
        503, "interrupted", "This message got no reply. Send it again with the same message_id.",
        headers={"Retry-After": str(RETRY_S)},
    )  # fmt: skip


def unknown() -> ProblemError:
    """No such conversation, or none any more."""
    return ProblemError(404, "unknown-conversation", "There is no such conversation.")


def conversation_json(state: State, unanswered: list[dict[str, Any]]) -> dict[str, Any]:
    """A conversation as the contract gives it."""
    return {
        "conversation_id": state.conversation_id,
        "language": state.language,
        "mode": state.mode,
        "turns": [
            {"role": turn.role, "text": turn.text, "at": turn.at, "reply_id": turn.reply_id}
            for turn in state.turns
        ],
        "unanswered": unanswered,
    }
