"""The app: its routes, and what they share."""

import logging
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from bot.render import hit_json, review_json
from bot.service import problems
from bot.service.config import ServiceConfig
from bot.service.conversations import Conversations, MemoryConversations, conversation_json
from bot.service.gate import Gate
from bot.service.lane import Lane
from bot.service.problems import ProblemError
from bot.service.readiness import Readiness, Stream
from bot.service.schemas import ChatBody, CheckBody, ConversationId, ReadyBody, SearchBody
from bot.service.streaming import Exchange
from bot.types import State
from retrieval.types import Passage

if TYPE_CHECKING:
    from bot.parts import Parts

PAGE = Path(__file__).parents[1] / "page"
pages = APIRouter()
api = APIRouter(prefix="/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the routes share. Replies have a lane of their own; searches and checks another."""

    config: ServiceConfig
    readiness: Readiness
    stream: Stream
    replies: Lane
    lookups: Lane
    store: Conversations


def create_app(
    load: "Callable[[], Parts]",
    config: ServiceConfig,
    *,
    stream: Stream | None = None,
    store: Conversations | None = None,
    told: Callable[[Readiness], None] = lambda readiness: None,
) -> FastAPI:
    """Builds the app; the parts load in the background once it starts.

    Args:
        load: Gives the parts; blocking.
        config: See `check_exposure` before listening.
        stream: Stands for `bot.answer.stream` in tests.
        store: Where conversations are kept; in memory by default.
        told: Called once it is known whether the service is ready, from another thread.
    """
    logging.getLogger("sse_starlette").setLevel(logging.INFO)  # its debug log holds replies
    speak = stream or _answers()
    service = Service(
        config=config,
        readiness=Readiness(load, speak, told),
        stream=speak,
        replies=Lane("replies", config.max_waiting, config.reply_timeout_s),
        lookups=Lane("lookups", config.max_waiting, config.reply_timeout_s),
        store=store or MemoryConversations(config.conversations_kept),
    )
    app = FastAPI(title="Truepenny", docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.service = service
    app.add_middleware(Gate, keys=config.keys, max_body_bytes=config.max_body_bytes)
    problems.install(app)
    app.include_router(api)
    app.include_router(pages)
    app.mount("/page", StaticFiles(directory=PAGE))
    return app


def shared(request: Request) -> Service:
    """The app's service."""
    service: Service = request.app.state.service
    return service


Shared = Annotated[Service, Depends(shared)]


@api.post("/chat")
async def chat(body: ChatBody, request: Request, service: Shared) -> Response:
    """One message, one verified reply; with `stream`, as Server-Sent Events."""
    parts = service.readiness.parts()
    conversation_id = body.conversation_id or uuid.uuid4().hex
    state = await service.store.get(conversation_id) or State(conversation_id=conversation_id)
    kept = service.config.history_turns
    shown = replace(state, turns=state.turns[-kept:] if kept else ())
    job = service.replies.submit(lambda: service.stream(body.message, shown, **parts))
    await service.store.put(state)
    exchange = Exchange(
        conversation_id=conversation_id, question=body.message, job=job, store=service.store
    )
    if body.stream:
        return exchange.response(request.url.path)
    return JSONResponse(await exchange.reply())


@api.post("/search")
async def search(body: SearchBody, service: Shared) -> dict[str, Any]:
    """The passages nearest to a query, best first."""
    retriever = service.readiness.parts()["retriever"]
    hits = await service.lookups.call(lambda: retriever.search(body.query, body.k))
    return {"hits": [hit_json(hit) for hit in hits], "index_version": retriever.version}


@api.post("/check")
async def check(body: CheckBody, service: Shared) -> dict[str, Any]:
    """A review of any answer against the passages given with it."""
    guard = service.readiness.parts()["guard"]
    passages = [
        Passage(
            id=given.id, article_id=given.id, title="", headings=(), text=given.text,
            start=0, end=len(given.text),
        )
        for given in body.passages
    ]  # fmt: skip
    review = await service.lookups.call(lambda: guard.review(body.answer, passages, body.question))
    return review_json(review)


@api.get("/conversations/{conversation_id}")
async def conversation(conversation_id: ConversationId, service: Shared) -> dict[str, Any]:
    """A conversation so far."""
    state = await service.store.get(conversation_id)
    if state is None:
        raise _unknown()
    return conversation_json(state)


@api.delete("/conversations/{conversation_id}", status_code=204)
async def erase(conversation_id: ConversationId, service: Shared) -> None:
    """Erases a conversation."""
    if not await service.store.delete(conversation_id):
        raise _unknown()


@pages.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@pages.get("/readyz")
async def readyz(service: Shared, response: Response) -> ReadyBody:
    """Whether it can answer; 503 with the reasons if not."""
    ready = service.readiness
    found = ReadyBody(status=ready.status, reasons=list(ready.reasons))
    if service.replies.stuck:
        found = ReadyBody(status="stuck", reasons=["a reply has run past its time"])
    if found.status != "ready":
        response.status_code = 503
    return found


@pages.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The demo page."""
    return FileResponse(PAGE / "index.html")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    service: Service = app.state.service
    service.readiness.start()
    yield
    service.replies.close()
    service.lookups.close()


def _answers() -> Stream:
    from bot.answer import stream

    return stream  # type: ignore[return-value]


def _unknown() -> ProblemError:
    return ProblemError(404, "unknown-conversation", "There is no such conversation.")
