"""Errors of the integrations.

TruepennyError
└── IntegrationError    a support system and we don't understand each other
    ├── Forged          a call that isn't signed as it should be, or too long ago
    └── NotDelivered    a delivery that failed, this time or for good
"""

from models.errors import TruepennyError


class IntegrationError(TruepennyError):
    """A support system and we don't understand each other."""


class Forged(IntegrationError):  # noqa: N818
    """A call that can't be trusted; the message says why and holds nothing of it."""


class NotDelivered(IntegrationError):  # noqa: N818
    """A delivery failed.

    Args:
        reason: Such as "HTTP 503"; it is kept, so it must hold no customer text.
        final: Whether trying again is of no use.
        after_s: How many seconds the receiver asks to wait, 0 if it doesn't.
    """

    def __init__(self, reason: str, *, final: bool = False, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.after_s = after_s
