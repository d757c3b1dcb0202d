"""Every error as an RFC 9457 problem: `{type, title, status, detail, instance}`.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

import logging
import re
import traceback
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from models.errors import TruepennyError

log = logging.getLogger("truepenny.service")
MEDIA_TYPE = "application/problem+json"
RETRY_S = 5
OPENAI_PATHS = ("/v1/chat/completions", "/v1/models")
OPENAI_TYPES = {
    401: "authentication_error", 403: "permission_error", 429: "rate_limit_error",
    500: "server_error", 503: "server_error", 504: "server_error",
}  # fmt: skip
OPENAI_CODES = {"unauthorized": "invalid_api_key", "too-many": "rate_limit_exceeded"}


class ProblemError(Exception):
    """A problem to tell the client. `kind` ends its type: urn:truepenny:problem:{kind}.

    `instance` is the id under which it was logged.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        instance: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.instance = instance
        self.extra = extra

    def json(self, path: str) -> dict[str, Any]:
        """The problem as an object; the request's path stands for an id that it hasn't got."""
        return {
            "type": f"urn:truepenny:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": self.instance or path,
            **self.extra,
        }

    def openai(self) -> dict[str, Any]:
        """The problem in the form that OpenAI's clients know."""
        errors: Any = self.extra.get("errors") or [{}]
        error = {
            "message": self.detail,
            "type": OPENAI_TYPES.get(self.status, "invalid_request_error"),
            "param": errors[0].get("field"),
            "code": OPENAI_CODES.get(self.kind, self.kind),
        }
        return {"error": error}

    def response(self, path: str) -> JSONResponse:
        """The problem as a response to a request of a path."""
        if path.startswith(OPENAI_PATHS):
            status = 400 if self.status == 422 else self.status
            return JSONResponse(self.openai(), status, headers=self.headers)
        return JSONResponse(
            self.json(path), self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


def busy() -> ProblemError:
    """Too many requests wait already."""
    return ProblemError(
        429, "busy", "Too many questions are waiting. Please try again in a moment.",
        headers={"Retry-After": str(RETRY_S)},
    )  # fmt: skip


def too_slow(seconds: float) -> ProblemError:
    """A reply wasn't ready in time."""
    return ProblemError(
        504, "too-slow", f"No checked reply was ready within {seconds:g} seconds.",
        headers={"Retry-After": str(RETRY_S)},
    )  # fmt: skip


def problem_of(error: Exception) -> ProblemError:
    """The problem that stands for any exception.

    Of an unforeseen one only kind and place are logged and nothing is told: its message may
    hold what a customer wrote.
    """
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, TruepennyError):
        log.warning("told as a problem: %s", type(error).__name__)
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
        return ProblemError(503, kind, str(error))
    mark = f"urn:uuid:{uuid.uuid4()}"
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", mark, type(error).__name__, where)
    detail = "Something went wrong here; nothing was answered. The log has more under this id."
    return ProblemError(500, "internal", detail, instance=mark)


def fields_of(errors: Sequence[Any]) -> ProblemError:
    """The problem of a body that doesn't fit, naming each field; never repeats the input."""
    found = [(_field(error["loc"]), error) for error in errors]
    if any(error["type"] == "json_invalid" for _, error in found):
        return _unreadable()
    listed = [{"field": field, "detail": _reason(error)} for field, error in found]
    detail = "; ".join(f"{item['field']}: {item['detail']}" for item in listed[:5])
    return ProblemError(422, "invalid", detail, errors=listed[:50])


def install(app: FastAPI) -> None:
    """Makes an app tell its errors as problems."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        return problem_of(error).response(request.url.path)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:  # nested too deeply, or a number too long to read
            return _unreadable().response(request.url.path)
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = str(error.detail) if error.status_code != 404 else "There is nothing here."
        problem = ProblemError(error.status_code, kind, detail, headers=error.headers)
        return problem.response(request.url.path)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return fields_of(error.errors()).response(request.url.path)

    app.add_exception_handler(ProblemError, known)
    app.add_exception_handler(TruepennyError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)


def _unreadable() -> ProblemError:
    return ProblemError(400, "not-json", "The body is not valid JSON.")


def _field(location: Sequence[Any]) -> str:
    name = ".".join(str(part) for part in location[1:]) or "body"
    return name[:100].encode("utf-8", "replace").decode()


def _reason(error: Mapping[str, Any]) -> str:
    reasons = {
        "extra_forbidden": "there is no such field",
        "missing": "this field is required",
    }
    return reasons.get(str(error["type"]), str(error["msg"]).lower())
