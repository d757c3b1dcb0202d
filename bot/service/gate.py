"""The gate before the app: callers, limits, size and type of the body, headers, last resort."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Sequence

from opentelemetry.context import attach, detach
from opentelemetry.propagate import extract
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.service.keys import Access, Caller
from bot.service.limits import RateLimits
from bot.service.logs import REQUEST_ID
from bot.service.metrics import Metrics
from bot.service.problems import ProblemError, problem_of
from bot.store.types import Scope as KeyScope

log = logging.getLogger("truepenny.service")
TOKENS = "/v1/widget/token"
RENEWAL_S = 24 * 3600
FORMS = ("/admin/login", "/admin/logout")  # a browser sends these, without a script
# What a call under /v1/ needs, by the beginning of its path; the first that fits counts.
NEEDED: tuple[tuple[str, KeyScope | None], ...] = (
    (TOKENS, None),  # the route decides: by origin, key or the token before
    ("/v1/chat", "chat"),
    ("/v1/conversations", "chat"),
    ("/v1/feedback", "chat"),
    ("/v1/models", "chat"),
    ("/v1/search", "search"),
    ("/v1/check", "check"),
    ("/metrics", "admin"),
    ("/v1/", "admin"),  # a route that is forgotten here is closed
)
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; object-src 'none'; "
    "form-action 'self'; frame-ancestors {ancestors}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Doors:
    """Who may do what, and how often. Blocks on the store."""

    def __init__(self, access: Access, limits: RateLimits) -> None:
        self._access = access
        self._limits = limits

    def knock(self, address: str) -> None:
        """Counts a try to log in.

        Raises:
            ProblemError: 429.
        """
        self._limits.hit_address(address)

    def admit(self, path: str, authorization: str, address: str) -> Caller:
        """The caller of a path under /v1/, or of /metrics.

        Raises:
            ProblemError: 401, 403 or 429. Guessing keys counts too.
        """
        needed = next(scope for start, scope in NEEDED if path.startswith(start))
        late_s = RENEWAL_S if path == TOKENS else 0
        try:
            caller = self._access.caller(authorization, optional=path == TOKENS, late_s=late_s)
        except ProblemError:
            self._limits.hit_address(address)
            raise
        self._limits.hit(caller, address)
        if needed:
            caller.require(needed)
        return caller


class Gate:
    """Lets in what may come in, as ASGI middleware around the whole app."""

    def __init__(
        self,
        app: ASGIApp,
        doors: Doors,
        metrics: Metrics,
        max_body_bytes: int,
        frame_ancestors: Sequence[str] = (),
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.doors = doors
        self.max_body_bytes = max_body_bytes
        ancestors = " ".join(["'self'", *frame_ancestors])
        self.headers = {name: text.format(ancestors=ancestors) for name, text in HEADERS.items()}
        if not frame_ancestors:  # it knows no list
            self.headers["X-Frame-Options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; whatever is raised inside becomes a problem."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.monotonic(), 0
        request_id = _request_id(Headers(scope=scope).get("x-request-id", ""))
        id_token = REQUEST_ID.set(request_id)
        trace_token = attach(extract(Headers(scope=scope)))

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                headers["X-Request-ID"] = request_id
                self._secure(scope["path"], headers)
            await send(message)

        try:
            await self._check(scope)
            await self.app(scope, self._limited(receive), guarded)
        except Exception as error:  # noqa: BLE001 - the API's edge
            problem = problem_of(error)
            if not status:
                await problem.response(scope["path"])(scope, receive, guarded)
        finally:
            self._note(scope["method"], _route(scope), status, time.monotonic() - began)
            detach(trace_token)
            REQUEST_ID.reset(id_token)

    def _note(self, method: str, route: str, status: int, seconds: float) -> None:
        self.metrics.request(method, route, status, seconds)
        spent = round(seconds * 1000)
        data = {"method": method, "route": route, "status": status, "ms": spent}
        log.info("%s %s %d %.0f ms", method, route, status, spent, extra={"data": data})

    async def _check(self, scope: Scope) -> None:
        headers, address = Headers(scope=scope), (scope.get("client") or ("",))[0]
        posted, is_form = scope["method"] == "POST", scope["path"] in FORMS
        if scope["path"].startswith(("/v1/", "/metrics")):
            given = headers.get("authorization", "")
            caller = await asyncio.to_thread(self.doors.admit, scope["path"], given, address)
            scope.setdefault("state", {})["caller"] = caller
        elif posted and is_form:
            await asyncio.to_thread(self.doors.knock, address)
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:18]) > self.max_body_bytes:
            raise ProblemError(413, "too-large", self._too_large())
        if posted and not is_form and not _is_json(headers.get("content-type", "")):
            raise ProblemError(415, "not-json", "Send the body as Content-Type: application/json.")

    def _limited(self, receive: Receive) -> Receive:
        """Counts a body that doesn't say its length."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_body_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return counted

    def _too_large(self) -> str:
        return f"The body may have at most {self.max_body_bytes} bytes."

    def _secure(self, path: str, headers: MutableHeaders) -> None:
        for name, value in self.headers.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "no-store" if path.startswith("/v1/") else "no-cache")


def _request_id(given: str) -> str:
    """The proxy's, if it is one that a log can hold; else a new one."""
    return given if re.fullmatch(r"[A-Za-z0-9_.-]{8,64}", given) else uuid.uuid4().hex


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _route(scope: Scope) -> str:
    """The route's pattern: ids and what people type into an address stay out of the log."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "-")
