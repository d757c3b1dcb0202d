"""Who calls: a key, a widget's token, or, in development, anybody."""

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bot.service.config import SAMPLE_SECRET, ServiceConfig, is_loopback
from bot.service.problems import ProblemError
from bot.service.tokens import read_token
from bot.store.types import KEY_PREFIX, SCOPES, Scope

if TYPE_CHECKING:
    from bot.store.keys import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and what they may.

    A token's caller is bound to `conversation_id`, and `user_id` is verified if it is there.
    """

    kind: Literal["open", "key", "token", "nobody"]
    id: str
    scopes: tuple[Scope, ...] = ()
    conversation_id: str | None = None
    user_id: str | None = None

    @property
    def bound(self) -> bool:
        """Bound to one conversation."""
        return self.kind == "token"

    def require(self, scope: Scope) -> None:
        """Refuses what the caller may not.

        Raises:
            ProblemError: 403.
        """
        if scope not in self.scopes:
            raise ProblemError(403, "forbidden", f"This needs the scope {scope!r}.")

    def require_conversation(self, conversation_id: str) -> None:
        """Refuses any conversation but the token's own, whether it exists or not.

        Raises:
            ProblemError: 403.
        """
        if self.bound and conversation_id != self.conversation_id:
            raise ProblemError(403, "forbidden", "This token belongs to another conversation.")


class Access:
    """Tells who calls. Blocks on the store."""

    def __init__(self, config: ServiceConfig, keys: "Keys") -> None:
        self._config = config
        self._keys = keys
        self._bootstrap = [key.encode() for key in config.keys]

    def open(self) -> bool:
        """Development: only this machine gets in, and no key was ever made."""
        closed = self._bootstrap or not is_loopback(self._config.host)
        return not closed and not self._keys.any()

    def token_secret(self) -> str | None:
        """What tokens are signed with; None if there are none to be had."""
        return self._config.token_secret or (SAMPLE_SECRET if self.open() else None)

    def caller(self, authorization: str, *, optional: bool = False, late_s: int = 0) -> Caller:
        """Who sends this Authorization header.

        Args:
            authorization: The header, empty if there is none.
            optional: Without a header, gives a caller that may nothing.
            late_s: Takes tokens that expired at most this long ago.

        Raises:
            ProblemError: 401: no valid key or token.
        """
        scheme, _, given = authorization.partition(" ")
        given = given.strip()
        if given and scheme.lower() == "bearer":
            found = self._key(given) or self._token(given, late_s)
            if found is not None:
                return found
        if self.open():
            return Caller(kind="open", id="open", scopes=SCOPES)
        if optional and not authorization:
            return Caller(kind="nobody", id="nobody")
        raise ProblemError(
            401, "unauthorized", "Send a valid key as Authorization: Bearer KEY.",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip

    def _key(self, given: str) -> Caller | None:
        """Compares with every key of the environment, so that the time taken tells nothing."""
        offered = given.encode("latin-1", "replace")  # as it was sent
        matches = [hmac.compare_digest(offered, key) for key in self._bootstrap]
        if any(matches):
            return Caller(kind="key", id=f"env:{matches.index(True)}", scopes=SCOPES)
        found = self._keys.find(given) if given.startswith(KEY_PREFIX) else None
        return Caller(kind="key", id=f"key:{found.id}", scopes=found.scopes) if found else None

    def _token(self, given: str, late_s: int) -> Caller | None:
        if given.count(".") != 2 or (secret := self.token_secret()) is None:
            return None
        token = read_token(given, secret, late_s)
        if token is None:
            return None
        return Caller(
            kind="token", id=f"token:{token.conversation_id}", scopes=("chat",),
            conversation_id=token.conversation_id, user_id=token.user_id,
        )  # fmt: skip
