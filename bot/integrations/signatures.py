"""Signatures of webhooks: HMAC-SHA256 over the time and the body, compared in constant time.

Source: https://www.chatwoot.com/hc/user-guide (agent bots) and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import math

from bot.integrations.errors import Forged
from models.errors import ConfigError

STANDARD_PREFIX = "whsec_"


def chatwoot_signature(secret: str, timestamp: str, body: bytes) -> str:
    """As Chatwoot signs a call: `sha256=HEX`."""
    return f"sha256={_mac(secret.encode(), timestamp.encode() + b'.' + body).hex()}"


def standard_signature(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    """As Standard Webhooks sign a call: `v1,BASE64`."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(_mac(key, signed)).decode()}"


def standard_key(secret: str) -> bytes:
    """The bytes of a Standard Webhooks secret, `whsec_BASE64`.

    Raises:
        ConfigError: It isn't one, or has fewer than 24 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(STANDARD_PREFIX) or len(key) < 24:
        raise ConfigError(
            "the webhook's secret must be whsec_ and at least 24 bytes in base64: make one with "
            'echo "whsec_$(openssl rand -base64 32)"'
        )
    return key


def require_same(expected: str, given: str) -> None:
    """Refuses a signature that isn't the expected one; any of several may be.

    Args:
        expected: The signature.
        given: What came, several separated by spaces.

    Raises:
        Forged: None of them is.
    """
    ours = expected.encode()
    found = [hmac.compare_digest(ours, each.encode("utf-8", "replace")) for each in given.split()]
    if not any(found):
        raise Forged("the signature is missing or wrong: check the secret on both sides")


def require_fresh(timestamp: str, now: float, window_s: float) -> None:
    """Refuses a call that was signed too long ago, or in the future.

    Args:
        timestamp: Seconds since 1970, as it came.
        now: The time, likewise.
        window_s: How far apart the two may be.

    Raises:
        Forged: They are further apart, or it is no time.
    """
    try:
        seconds = float(timestamp)
    except ValueError:
        seconds = math.nan
    if not abs(now - seconds) <= window_s:
        raise Forged(
            f"the timestamp is missing or more than {window_s:g} s from now: a replay, or one of "
            "the clocks is wrong"
        )


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
