"""Who looks at the admin page: a key with the scope `admin`, kept in a signed cookie."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.service.config import ServiceConfig, is_loopback
from bot.service.keys import Access, Caller
from bot.service.problems import ProblemError
from bot.service.tokens import ALGORITHM, ISSUER
from bot.store.types import now

if TYPE_CHECKING:
    from bot.store.keys import Keys

AUDIENCE = "admin"
COOKIE = "truepenny_admin"
MINUTES = 60


class Sessions:
    """Log-ins. The cookie holds the key's id, never the key. Blocks on the store.

    Without a `token_secret` cookies are signed with a secret of this process alone. Another set
    of keys in the environment ends all log-ins.
    """

    def __init__(self, config: ServiceConfig, access: Access, keys: "Keys") -> None:
        self._access = access
        self._keys = keys
        secret = config.token_secret or secrets.token_hex(32)
        keyed = "\n".join((AUDIENCE, *config.keys))
        self._secret = hmac.new(secret.encode(), keyed.encode(), hashlib.sha256).digest()

    def open(self, host: str) -> bool:
        """Development: no key was ever made, and the page was asked for as one of this machine.

        A page that makes its name stand for 127.0.0.1 is asked for under that name.
        """
        return self._access.open() and is_loopback(host)

    def log_in(self, key: str) -> tuple[Caller, str]:
        """The caller and their cookie.

        Raises:
            ProblemError: 401: it is no valid key; 403: it has another scope.
        """
        caller = self._access.caller(f"Bearer {key}")
        if caller.kind != "key":
            raise ProblemError(403, "forbidden", "The admin page needs a key.")
        caller.require("admin")
        return caller, self._signed(caller.id)

    def valid(self, cookie: str) -> bool:
        """Whether a cookie still opens the page; a key that was revoked since doesn't."""
        who = self._read(cookie)
        if who is None:
            return False
        kind, _, key_id = who.partition(":")
        usable = {
            info.id for info in self._keys.all() if info.usable(now()) and "admin" in info.scopes
        }
        return kind == "env" or key_id in usable

    def _signed(self, who: str) -> str:
        import jwt

        at = now()
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": who, "iat": at,
            "exp": at + timedelta(minutes=MINUTES),
        }  # fmt: skip
        return jwt.encode(claims, self._secret, ALGORITHM)

    def _read(self, cookie: str) -> str | None:
        import jwt

        try:
            claims = jwt.decode(
                cookie, self._secret, [ALGORITHM], audience=AUDIENCE, issuer=ISSUER,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            return None
        return str(claims["sub"])
