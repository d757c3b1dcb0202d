"""API keys: shown once, kept as a hash.

A key is `tp_{id}_{secret}`. The secret has 256 random bits, so a plain SHA-256 can't be guessed
back and needs no salt or stretching.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, update

from bot.store.database import Database
from bot.store.schema import KeyRow
from bot.store.types import KEY_PREFIX, KeyInfo, Scope, now

_FORM = re.compile(rf"{KEY_PREFIX}([0-9a-f]{{12}})_")
_NOTED_EVERY = timedelta(minutes=1)


class Keys:
    """The keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None
    ) -> tuple[str, KeyInfo]:
        """Makes a key; it can't be read again later."""
        key_id = secrets.token_hex(6)
        key = f"{KEY_PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
        with self._database.write() as session:
            row = KeyRow(
                id=key_id, name=name, digest=_digest(key), scopes=sorted(set(scopes)),
                created_at=now(), expires_at=expires_at,
            )  # fmt: skip
            session.add(row)
            return key, _info(row)

    def find(self, key: str) -> KeyInfo | None:
        """The key's entry if it is a key, and neither revoked nor expired; notes its use."""
        form = _FORM.match(key)
        if form is None:
            return None
        with self._database.read() as session:
            row = session.get(KeyRow, form[1])
            # Without an entry the comparison is made all the same, so that the time tells nothing.
            same = hmac.compare_digest(_digest(key), row.digest if row else "-" * 64)
            info = _info(row) if row and same else None
        if info is None or not info.usable(now()):
            return None
        self._note_use(info)
        return info

    def all(self) -> list[KeyInfo]:
        """All keys, oldest first, revoked ones too."""
        with self._database.read() as session:
            rows = session.scalars(select(KeyRow).order_by(KeyRow.created_at, KeyRow.id))
            return [_info(row) for row in rows]

    def any(self) -> bool:
        """Whether a key was ever made: revoking the last one must not open the doors."""
        with self._database.read() as session:
            return session.scalar(select(KeyRow.id).limit(1)) is not None

    def revoke(self, key_id: str) -> bool:
        """Ends a key at once; whether there was one to end."""
        with self._database.write() as session:
            row = session.get(KeyRow, key_id, with_for_update=True)
            if row is None or row.revoked_at:
                return False
            row.revoked_at = now()
            return True

    def _note_use(self, info: KeyInfo) -> None:
        """Once a minute: a write for every request would be one too many."""
        at = now()
        if info.last_used_at and at - info.last_used_at < _NOTED_EVERY:
            return
        with self._database.write() as session:
            session.execute(update(KeyRow).where(KeyRow.id == info.id).values(last_used_at=at))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _info(row: KeyRow) -> KeyInfo:
    return KeyInfo(
        id=row.id, name=row.name, scopes=tuple(row.scopes),  # type: ignore[arg-type]
        created_at=row.created_at, expires_at=row.expires_at, last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )  # fmt: skip
