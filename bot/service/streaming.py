"""A chat reply, whole or as Server-Sent Events: `status`, `sentence`, `reply`, `error`."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent

from bot.render import reply_json
from bot.service.conversations import Conversations, now, record
from bot.service.lane import Job
from bot.service.problems import problem_of
from bot.types import Reply, Sentence

HEARTBEAT_S = 10
DRAIN_S = 15.0
LOOKING = "looking it up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question on its way to its reply."""

    conversation_id: str
    question: str
    job: Job[Sentence | Reply]
    store: Conversations

    async def items(self) -> AsyncGenerator[Sentence | Reply]:
        """The verified sentences and the reply, which is put on record.

        Raises:
            Exception: What the pipeline raised; an end without a reply is an error too.
        """
        asked_at = now()
        async with aclosing(self.job.items()) as items:
            async for item in items:
                if isinstance(item, Reply):
                    await record(self.store, self.question, asked_at, item)
                yield item
                if isinstance(item, Reply):
                    return
        raise RuntimeError("the pipeline ended without a reply")

    async def reply(self) -> dict[str, Any]:
        """The whole reply, as JSON."""
        async with aclosing(self.items()) as items:
            async for item in items:
                if isinstance(item, Reply):
                    return reply_json(item)
        raise AssertionError("items() ends with a reply or raises")

    async def events(self, instance: str) -> AsyncGenerator[ServerSentEvent]:
        """The reply as events; the first comes at once. An error is the last.

        Args:
            instance: The request's path, for a problem.
        """
        try:
            opening = {"text": LOOKING, "conversation_id": self.conversation_id}
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
            self.job.cancel()

    def response(self, instance: str) -> EventSourceResponse:
        """The events as a response; a client that goes away stops the generation."""

        async def gone(message: object) -> None:
            self.job.cancel()

        return EventSourceResponse(
            self.events(instance),
            ping=HEARTBEAT_S,
            ping_message_factory=lambda: ServerSentEvent(comment="still here"),
            client_close_handler_callable=gone,
            shutdown_grace_period=DRAIN_S,
        )


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data))
