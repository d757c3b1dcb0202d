"""The OpenAPI description, with the answers that every call may give: its problems."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bot.service.problems import MEDIA_TYPE, OPENAI_PATHS

PROBLEM = {
    "type": "object",
    "description": "An RFC 9457 problem.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
OPENAI_ERROR = {
    "type": "object",
    "description": "An error in OpenAI's form.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
EVENT = {
    "type": "object",
    "description": "Each event of the stream.",
    "properties": {
        "event": {"type": "string", "enum": ["status", "sentence", "reply", "error"]},
        "data": {"type": "string"},
        "id": {"type": "string"},
    },
}
WORDS = {
    "400": "The body can't be read.",
    "401": "No valid key or token.",
    "403": "Not allowed to this caller.",
    "404": "There is no such thing.",
    "405": "The path has no such method.",
    "408": "The client went away.",
    "409": "It doesn't fit what is on record.",
    "413": "The body is too large.",
    "415": "The body isn't JSON.",
    "422": "Fields don't fit.",
    "429": "Too many wait, or too many requests.",
    "500": "Something went wrong.",
    "503": "Not ready, or a part of it is away.",
    "504": "No reply in time.",
}
ANY = ("400", "404", "405", "422", "500", "503")
GUARDED = ("401", "403", "429")
WITH_BODY = ("408", "409", "413", "415", "504")
STREAMING = ("/v1/chat", "/v1/chat/completions")


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, routes=app.routes, description=app.description
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas |= {"Problem": PROBLEM, "OpenAIError": OPENAI_ERROR}
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    guarded = path.startswith("/v1/")
    if guarded:
        operation["security"] = [{"key": []}, {}]
    known = operation["responses"]
    known.pop("422", None)
    if path in STREAMING:
        known["200"]["content"]["text/event-stream"] = {"schema": EVENT}
    signed = ("401", "429") if path.startswith("/integrations/") else ()
    asked = GUARDED if guarded else signed
    listed = (*ANY, *asked, *(WITH_BODY if method == "post" else ()))
    for status in listed:
        if status not in known:
            known[status] = _problem(path, status)


def _problem(path: str, status: str) -> dict[str, Any]:
    openai = path.startswith(OPENAI_PATHS)
    schema = {"$ref": f"#/components/schemas/{'OpenAIError' if openai else 'Problem'}"}
    media = "application/json" if openai else MEDIA_TYPE
    return {"description": WORDS[status], "content": {media: {"schema": schema}}}
