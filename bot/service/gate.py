"""The gate before the app: keys, size and type of the body, headers, and the last resort."""

import hmac
import logging
import time
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.service.problems import ProblemError, problem_of

log = logging.getLogger("truepenny.service")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; object-src 'none'; "
    "form-action 'self'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Gate:
    """Lets in what may come in, as ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, keys: Sequence[str], max_body_bytes: int) -> None:
        self.app = app
        self.keys = [key.encode() for key in keys]
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; whatever is raised inside becomes a problem."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.monotonic(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _secure(scope["path"], MutableHeaders(raw=message["headers"]))
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, self._limited(receive), guarded)
        except Exception as error:  # noqa: BLE001 - the API's edge
            problem, mark = problem_of(error)
            if not status:
                await problem.response(mark or scope["path"])(scope, receive, guarded)
        finally:
            spent = (time.monotonic() - began) * 1000
            log.info("%s %s %d %.0f ms", scope["method"], _route(scope), status, spent)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if scope["path"].startswith("/v1/"):
            self._authorize(headers.get("authorization", ""))
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:18]) > self.max_body_bytes:
            raise ProblemError(413, "too-large", self._too_large())
        if scope["method"] == "POST" and not _is_json(headers.get("content-type", "")):
            raise ProblemError(415, "not-json", "Send the body as Content-Type: application/json.")

    def _authorize(self, header: str) -> None:
        """Compares with every key, so that the time taken tells nothing."""
        scheme, _, given = header.partition(" ")
        offered = given.strip().encode("latin-1")  # as it was sent
        matches = [hmac.compare_digest(offered, key) for key in self.keys]
        if self.keys and not (any(matches) and scheme.lower() == "bearer"):
            raise ProblemError(
                401, "unauthorized", "Send a valid key as Authorization: Bearer KEY.",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip

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


def _secure(path: str, headers: MutableHeaders) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store" if path.startswith("/v1/") else "no-cache")


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _route(scope: Scope) -> str:
    """The route's pattern: ids and what people type into an address stay out of the log."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "-")
