"""The widget's tokens: short-lived, signed, bound to one conversation; and users' identities.

No key is ever in a page: a page gets a token, and the token opens one conversation.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.types import now

ALGORITHM = "HS256"
ISSUER = "truepenny"
AUDIENCE = "widget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says. `user_id` was verified when it was issued."""

    conversation_id: str
    user_id: str | None
    expires_at: datetime


def issue_token(
    conversation_id: str, user_id: str | None, secret: str, minutes: int
) -> tuple[str, datetime]:
    """A signed token, and when it expires."""
    import jwt

    at = now()
    expires_at = at + timedelta(minutes=minutes)
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "iat": at, "exp": expires_at,
        "conversation_id": conversation_id, "user_id": user_id,
    }  # fmt: skip
    return jwt.encode(claims, secret, ALGORITHM), expires_at


def read_token(text: str, secret: str, late_s: int = 0) -> Token | None:
    """What a token says; None if it is forged, expired or anything else.

    Args:
        text: The token.
        secret: What it must be signed with.
        late_s: How long ago it may have expired.
    """
    import jwt

    try:
        claims = jwt.decode(
            text, secret, [ALGORITHM], audience=AUDIENCE, issuer=ISSUER, leeway=late_s,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        return None
    conversation_id, user_id = claims.get("conversation_id"), claims.get("user_id")
    if not isinstance(conversation_id, str) or not isinstance(user_id, str | None):
        return None
    expires_at = datetime.fromtimestamp(claims["exp"], now().tzinfo)
    return Token(conversation_id=conversation_id, user_id=user_id, expires_at=expires_at)


def verified(user_id: str, signature: str, secret: str) -> bool:
    """Whether a signature is the hex HMAC-SHA256 of a user's id: their own server made it."""
    expected = hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode("utf-8", "replace"))
