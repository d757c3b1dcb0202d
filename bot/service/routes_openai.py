"""OpenAI's protocol: `POST /v1/chat/completions` and `GET /v1/models`.

The request holds the whole conversation, so nothing is put on record.
"""

import json
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sse_starlette import ServerSentEvent

from bot.render import reply_json
from bot.service.lane import Job
from bot.service.openai_render import Completion, Deltas, finish, models, tokens
from bot.service.openai_schemas import MODEL, CompletionBody
from bot.service.problems import ProblemError, problem_of
from bot.service.shared import Service, Shared
from bot.service.streaming import Item, event_stream, unless_gone
from bot.types import Reply, Sentence, State, Turn

router = APIRouter(prefix="/v1")
CHANNEL = "openai"
STARTED = int(time.time())


@router.get("/models")
async def list_models() -> dict[str, Any]:
    """The models to choose from: `truepenny`."""
    return models(STARTED)


@router.post("/chat/completions")
async def completions(body: CompletionBody, request: Request, service: Shared) -> Response:
    """The next message of a conversation, verified, in OpenAI's form."""
    if body.model != MODEL:
        raise ProblemError(
            404, "model_not_found", f"There is no such model here; the model is {MODEL!r}."
        )
    job = _begin(service, body)
    read = tokens(*(message.text() for message in body.messages))
    completion = Completion(prompt_tokens=read)
    if not body.stream:
        return JSONResponse(completion.whole(await unless_gone(request, _reply(job))))
    counted = bool(body.stream_options and body.stream_options.include_usage)
    return event_stream(_events(job, completion, counted), job.cancel)


def _begin(service: Service, body: CompletionBody) -> Job[Item]:
    """Puts the question in line, behind those that wait already."""
    before = [
        Turn(role="user" if message.role == "user" else "assistant", text=message.text())
        for message in body.messages[:-1]
        if message.role in ("user", "assistant") and message.text().strip()
    ]
    state = State(conversation_id=uuid.uuid4().hex, turns=tuple(before))
    parts = service.readiness.parts()
    # What else was sent is read over today; a reply to it is still its sender's own.
    channel = CHANNEL if all(message.role == "user" for message in body.messages) else None
    seconds = service.config.reply_timeout_s
    return service.reply(body.question(), state, parts, channel, seconds)


async def _reply(job: Job[Item]) -> Reply:
    async with aclosing(job.items()) as items:
        async for item in items:
            if isinstance(item, Reply):
                return item
    raise RuntimeError("the pipeline ended without a reply")


async def _events(
    job: Job[Item], completion: Completion, counted: bool
) -> AsyncGenerator[ServerSentEvent]:
    """The chunks; a problem on the way is the last, in OpenAI's form."""
    deltas, reply = Deltas(), None
    try:
        yield _data(completion.chunk(role="assistant", content=""))
        async with aclosing(job.items()) as items:
            async for item in items:
                if isinstance(item, Sentence) and (text := deltas.sentence(item)):
                    yield _data(completion.chunk(content=text))
                elif isinstance(item, Reply):
                    reply = item
                    break
        if reply is None:
            raise RuntimeError("the pipeline ended without a reply")
        for event in _ending(reply, deltas, completion, counted):
            yield event
    except Exception as error:  # noqa: BLE001 - the API's edge
        yield _data(problem_of(error).openai())


def _ending(
    reply: Reply, deltas: Deltas, completion: Completion, counted: bool
) -> Iterator[ServerSentEvent]:
    if rest := deltas.rest(reply):
        yield _data(completion.chunk(content=rest))
    yield _data({**completion.chunk(finish(reply)), "truepenny": reply_json(reply)})
    if counted:
        yield _data(completion.usage_chunk(reply))
    yield ServerSentEvent(data="[DONE]", sep="\n")


def _data(content: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps(content), sep="\n")
