"""The audit log: admin acts, with who did them. It never holds what customers wrote."""

from typing import Any

from sqlalchemy import select

from bot.store.database import Database
from bot.store.schema import AuditRow
from bot.store.types import AuditEntry, now


class Audit:
    """Admin acts, added and read, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, actor: str, act: str, subject: str, **details: Any) -> None:
        """Notes an act, such as ("key:3f2a", "conversation.erase", "c1")."""
        with self._database.write() as session:
            session.add(AuditRow(at=now(), actor=actor, act=act, subject=subject, details=details))

    def latest(self, most: int) -> list[AuditEntry]:
        """The latest acts, newest first."""
        with self._database.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(most))
            return [
                AuditEntry(
                    at=row.at, actor=row.actor, act=row.act, subject=row.subject,
                    details=row.details,
                )
                for row in rows
            ]  # fmt: skip
