"""The app: its routes, and what they share."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from bot.integrations.config import IntegrationsConfig
from bot.integrations.integrations import configured
from bot.integrations.sender import Sender
from bot.render import hit_json, reply_json, review_json
from bot.service import (
    problems,
    routes_admin,
    routes_conversations,
    routes_integrations,
    routes_openai,
    routes_operations,
    routes_tokens,
    widget,
)
from bot.service.broadcast import Broadcasts
from bot.service.config import ServiceConfig
from bot.service.conversations import Conversations
from bot.service.describe import describe
from bot.service.gate import Doors, Gate
from bot.service.keys import Access, Caller
from bot.service.lane import Lane
from bot.service.limits import RateLimits
from bot.service.metrics import Metrics
from bot.service.readiness import Readiness, Stream
from bot.service.reload import follow, follow_adapter
from bot.service.reuse import Reuse
from bot.service.routes_tokens import user_of
from bot.service.schemas import ChatBody, CheckBody, ReadyBody, SearchBody, User
from bot.service.shared import Calling, Service, Shared
from bot.service.streaming import DRAIN_S, event_stream, unless_gone
from bot.service.tracing import Tracing
from bot.store.config import StoreConfig
from bot.store.errors import StoreError
from bot.store.types import Incoming
from bot.types import PROFILE
from models.config import ModelsConfig
from models.resolve import adapter_name
from retrieval.types import Passage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from bot.parts import Parts
    from bot.store.store import Store

PAGE = Path(__file__).parents[1] / "page"
pages = APIRouter()
api = APIRouter(prefix="/v1")
ROUTERS = (
    api, routes_conversations.router, routes_openai.router, routes_tokens.router,
    routes_integrations.router, routes_operations.router, routes_admin.router, widget.router, pages,
)  # fmt: skip
METHODS = ("GET", "POST", "DELETE")
ACCEPTED = ("Authorization", "Content-Type", "Last-Event-ID")
EXPOSED = ("Retry-After",)
LastEvent = Annotated[str, Header(max_length=100)]


def create_app(
    load: "Callable[[], Parts]",
    config: ServiceConfig,
    *,
    stream: Stream | None = None,
    store: "Store | None" = None,
    integrations: IntegrationsConfig | None = None,
    index: Path | None = None,
    models: ModelsConfig | None = None,
    spans: "SpanExporter | None" = None,
    told: Callable[[Readiness], None] = lambda readiness: None,
) -> FastAPI:
    """Builds the app; the parts load in the background once it starts.

    Args:
        load: Gives the parts; blocking.
        config: See `check_exposure` before listening.
        stream: Stands for `bot.dialogue.step.stream` in tests.
        store: What is remembered; in memory by default. Closed with the app.
        integrations: The support systems; none by default.
        index: The index folder; new versions of it are taken up.
        models: If it names an adapter of the registry, other versions of it are taken up.
        spans: Where traces go, in tests.
        told: Called once it is known whether the service is ready, from another thread.
    """
    logging.getLogger("sse_starlette").setLevel(logging.INFO)  # its debug log holds replies
    metrics, tracing = Metrics(), Tracing(config.trace_endpoint, spans)
    speak = stream or _answers()
    kept = store or _in_memory()
    access = Access(config, kept.keys)
    linked = integrations or IntegrationsConfig()
    systems = configured(linked)
    service = Service(
        config=config,
        readiness=Readiness(load, speak, told),
        stream=speak,
        reuse=Reuse(config.reuse_replies, config.reuse_minutes, metrics.reuse),
        replies=Lane("replies", config.max_waiting, config.reply_timeout_s),
        lookups=Lane("lookups", config.max_waiting, config.reply_timeout_s),
        store=kept,
        conversations=Conversations(kept, config.max_waiting, systems),
        access=access,
        broadcasts=Broadcasts(),
        integrations=systems,
        metrics=metrics,
        tracing=tracing,
    )
    lanes = {"replies": service.replies, "lookups": service.lookups}
    metrics.watch(lanes, lambda: service.readiness.index_version)
    app = FastAPI(title="Truepenny", docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.service, app.state.index = service, index
    app.state.models = models
    app.state.admin = routes_admin.Admin(service)
    app.state.sender = Sender(kept.outbox, systems, linked)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    app.add_middleware(
        Gate, doors=Doors(access, RateLimits(config)), metrics=metrics,
        max_body_bytes=config.max_body_bytes, frame_ancestors=config.frame_ancestors,
    )  # fmt: skip
    if config.allowed_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=config.allowed_origins, allow_methods=METHODS,
            allow_headers=ACCEPTED, expose_headers=EXPOSED,
        )  # fmt: skip
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/page", StaticFiles(directory=PAGE))
    return app


@api.post("/chat")
async def chat(
    body: ChatBody,
    request: Request,
    service: Shared,
    caller: Calling,
    last_event_id: LastEvent = "",
) -> Response:
    """One message, one verified reply; with `stream`, as Server-Sent Events.

    After a lost connection: the same body with the `message_id`, and in `Last-Event-ID` the id of
    the last event.
    """
    incoming = _incoming(body, caller)
    service.require_room(incoming)  # refused now, it isn't on record
    ticket = await service.conversations.receive(incoming)
    resumable = body.stream or body.message_id
    told = service.broadcasts.find(ticket) or await service.broadcast(
        ticket, request.url.path, service.config.resume_s if resumable else 0
    )
    if body.stream:
        return event_stream(told.events(last_event_id))
    return JSONResponse(reply_json(await unless_gone(request, told.outcome())))


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
    try:
        await asyncio.to_thread(service.store.database.ping)
    except StoreError as error:
        found = ReadyBody(status="failed", reasons=[*found.reasons, str(error)])
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
    always = [asyncio.create_task(service.recover())]
    if app.state.index:
        always.append(asyncio.create_task(follow(app.state.index, service.readiness)))
    if app.state.models and adapter_name(app.state.models):
        always.append(asyncio.create_task(follow_adapter(app.state.models, service.readiness)))
    sending = asyncio.create_task(app.state.sender.run())
    yield
    for task in always:
        task.cancel()
    await service.conversations.settle(DRAIN_S)
    await service.broadcasts.close()
    service.replies.close()
    service.lookups.close()
    await service.conversations.close()
    app.state.sender.stop()
    await sending
    service.store.close()
    await asyncio.to_thread(service.tracing.close)


def _answers() -> Stream:
    from bot.dialogue.step import stream

    return stream  # type: ignore[return-value]


def _in_memory() -> "Store":
    from bot.store.store import open_store

    return open_store(StoreConfig(url="sqlite://"))


def _incoming(body: ChatBody, caller: Caller) -> Incoming:
    """The message, in the caller's own conversation or in the one that they name."""
    conversation_id = body.conversation_id or caller.conversation_id or uuid.uuid4().hex
    if body.message_id and not (body.conversation_id or caller.conversation_id):
        # A repeat must find the conversation that its first try opened.
        conversation_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{caller.id}/{body.message_id}").hex
    caller.require_conversation(conversation_id)
    return Incoming(
        conversation_id=conversation_id, client_id=body.message_id or uuid.uuid4().hex,
        text=body.message, user_id=user_of(caller, body.user), channel=body.channel,
        profile={} if caller.bound or body.user is None else _profile(body.user),
    )  # fmt: skip


def _profile(user: User) -> dict[str, str]:
    """What counts of what a caller tells of a customer; nothing else is kept."""
    given = {name: user.attributes.get(name) for name in PROFILE}
    return {name: str(value)[:100] for name, value in given.items() if value is not None}
