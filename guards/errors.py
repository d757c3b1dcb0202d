"""Errors of the guard.

TruepennyError
└── GuardError
    ├── OutOfTime        a check didn't end within the time of a reply
    └── SelfTestFailed   the scorer doesn't reproduce its golden scores on this machine
"""

from models.errors import TruepennyError


class GuardError(TruepennyError):
    """A check can't be made. The caller turns it into `unchecked`, never into an answer."""


class OutOfTime(GuardError):  # noqa: N818
    """The time that a reply may take is over."""


class SelfTestFailed(GuardError):  # noqa: N818
    """The scorer's start-up self-test doesn't give its golden scores."""
