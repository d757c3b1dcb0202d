"""Logs without personal data, as text or as JSON, each line with its request's id.

What slips into a line, say by an exception's message, is masked.
"""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


class Masked(logging.Formatter):
    """Formats as another formatter does and takes personal data out of the whole, traceback too."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line, "[email]" in place of an address."""
        from guards.screens.personal import redact

        return redact(self._inner.format(record))


class Json(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what a record brings in `data`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; the message, and a traceback, are masked."""
        from guards.screens.personal import redact

        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **getattr(record, "data", {}),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line)


def mask_logs(form: Literal["text", "json"] = "text") -> None:
    """Masks what the root's handlers write from now on."""
    for handler in logging.getLogger().handlers:
        plain = Masked(handler.formatter or logging.Formatter())
        handler.setFormatter(Json() if form == "json" else plain)
