"""Errors of the dialogue manager.

TruepennyError
├── ConfigError
│   └── FlowError        a file of flows is wrong
└── ActionFailed         an action couldn't be carried out; nothing of its result is known
"""

from models.errors import ConfigError, TruepennyError


class FlowError(ConfigError):
    """A file of flows can't be read, or says what makes no sense."""


class ActionFailed(TruepennyError):  # noqa: N818
    """An action has no trustworthy result; the message is for the log, not for the customer."""


class Refused(Exception):  # noqa: N818
    """Raised by a Python action: a declared outcome other than "ok"."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome
