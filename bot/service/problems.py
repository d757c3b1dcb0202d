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


class ProblemError(Exception):
    """A problem to tell the client. `kind` ends its type: urn:truepenny:problem:{kind}."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def json(self, instance: str) -> dict[str, Any]:
        """The problem as an object; `instance` is the path of the request, or an error's id."""
        return {
            "type": f"urn:truepenny:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            **self.extra,
        }

    def response(self, instance: str) -> JSONResponse:
        """The problem as a response."""
        return JSONResponse(
            self.json(instance), self.status, headers=self.headers, media_type=MEDIA_TYPE
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


def problem_of(error: Exception) -> tuple[ProblemError, str | None]:
    """The problem that stands for any exception, and the id under which it was logged.

    Of an unforeseen one only kind and place are logged and nothing is told: its message may
    hold what a customer wrote.
    """
    if isinstance(error, ProblemError):
        return error, None
    if isinstance(error, TruepennyError):
        log.warning("told as a problem: %s", type(error).__name__)
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
        return ProblemError(503, kind, str(error)), None
    mark = f"urn:uuid:{uuid.uuid4()}"
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", mark, type(error).__name__, where)
    detail = "Something went wrong here; nothing was answered. The log has more under this id."
    return ProblemError(500, "internal", detail), mark


def fields_of(errors: Sequence[Any]) -> ProblemError:
    """The problem of a body that doesn't fit, naming each field; never repeats the input."""
    found = [(_field(error["loc"]), error) for error in errors]
    if any(error["type"] == "json_invalid" for _, error in found):
        return ProblemError(400, "not-json", "The body is not valid JSON.")
    listed = [{"field": field, "detail": _reason(error)} for field, error in found]
    detail = "; ".join(f"{item['field']}: {item['detail']}" for item in listed[:5])
    return ProblemError(422, "invalid", detail, errors=listed[:50])


def install(app: FastAPI) -> None:
    """Makes an app tell its errors as problems."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        problem, mark = problem_of(error)
        return problem.response(mark or request.url.path)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
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


def _field(location: Sequence[Any]) -> str:
    name = ".".join(str(part) for part in location[1:]) or "body"
    return name[:100].encode("utf-8", "replace").decode()


def _reason(error: Mapping[str, Any]) -> str:
    reasons = {
        "extra_forbidden": "there is no such field",
        "missing": "this field is required",
    }
    return reasons.get(str(error["type"]), str(error["msg"]).lower())
