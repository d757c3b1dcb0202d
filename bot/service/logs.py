"""Logs without personal data: what slips into a line, say by an exception's message, is masked."""

import logging


class Masked(logging.Formatter):
    """Formats as another formatter does and takes personal data out of the whole, traceback too."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line, "[email]" in place of an address."""
        from guards.screens.personal import redact

        return redact(self._inner.format(record))


def mask_logs() -> None:
    """Masks what the root's handlers write from now on."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Masked(handler.formatter or logging.Formatter()))
