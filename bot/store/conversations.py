"""Conversations at rest: shown, listed, exported, erased, and what customers thought of replies."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from bot.store.database import Database
from bot.store.records import from_json
from bot.store.schema import ConversationRow, FeedbackRow, MessageRow, ReplyRow
from bot.store.types import ConversationInfo, now
from bot.types import State


class Conversations:
    """What has been said."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, conversation_id: str) -> State | None:
        """A conversation's state, None if it isn't known."""
        with self._database.read() as session:
            row = session.get(ConversationRow, conversation_id)
            return from_json(State, row.state) if row else None

    def unanswered(self, conversation_id: str) -> list[dict[str, Any]]:
        """Messages that got no reply, or none yet: `{message_id, text, at, status, reason}`."""
        with self._database.read() as session:
            rows = session.scalars(
                select(MessageRow)
                .where(MessageRow.conversation_id == conversation_id)
                .where(MessageRow.status != "answered")
                .order_by(MessageRow.position)
            )
            return [_message_json(row) for row in rows]

    def latest(self, *, user_id: str | None = None, most: int = 100) -> list[ConversationInfo]:
        """The conversations used last, newest first; one user's only, if named."""
        messages = (
            select(func.count())
            .where(MessageRow.conversation_id == ConversationRow.id)
            .scalar_subquery()
        )
        found = select(ConversationRow, messages).order_by(ConversationRow.updated_at.desc())
        if user_id is not None:
            found = found.where(ConversationRow.user_id == user_id)
        with self._database.read() as session:
            return [
                ConversationInfo(
                    id=row.id, user_id=row.user_id, channel=row.channel, messages=count,
                    created_at=row.created_at, updated_at=row.updated_at,
                )
                for row, count in session.execute(found.limit(most))
            ]  # fmt: skip

    def export(self, conversation_id: str) -> dict[str, Any] | None:
        """All that is kept of a conversation, replies with their verdicts, as JSON."""
        with self._database.read() as session:
            row = session.get(ConversationRow, conversation_id)
            if row is None:
                return None
            found = session.execute(
                select(MessageRow, ReplyRow, FeedbackRow)
                .outerjoin(ReplyRow, ReplyRow.message_id == MessageRow.id)
                .outerjoin(FeedbackRow, FeedbackRow.reply_id == ReplyRow.id)
                .where(MessageRow.conversation_id == conversation_id)
                .order_by(MessageRow.position)
            )
            return {
                "conversation_id": row.id,
                "user_id": row.user_id,
                "channel": row.channel,
                "created_at": row.created_at.isoformat(),
                "updated_at": row.updated_at.isoformat(),
                "state": json.loads(row.state),
                "messages": [
                    _message_json(message)
                    | {
                        "reply": json.loads(reply.body) if reply else None,
                        "feedback": _feedback_json(feedback) if feedback else None,
                    }
                    for message, reply, feedback in found
                ],
            }

    def erase(self, conversation_id: str) -> bool:
        """Erases a conversation with all that hangs on it; whether there was one."""
        return bool(self._erase(ConversationRow.id == conversation_id))

    def erase_user(self, user_id: str) -> int:
        """Erases a user's conversations; how many."""
        return len(self._erase(ConversationRow.user_id == user_id))

    def purge(self, before: datetime) -> int:
        """Erases conversations not used since; how many. One with a message under way stays."""
        under_way = (
            select(MessageRow.id)
            .where(MessageRow.conversation_id == ConversationRow.id)
            .where(MessageRow.status == "waiting")
        )
        return len(self._erase((ConversationRow.updated_at < before) & ~under_way.exists()))

    def rate(
        self,
        reply_id: str,
        rating: str,
        comment: str | None = None,
        *,
        conversation_id: str | None = None,
    ) -> bool:
        """Keeps what a customer thought of a reply, in place of what they thought before.

        Args:
            reply_id: The reply.
            rating: "up" or "down".
            comment: Why, in their words.
            conversation_id: If given, the reply must be of this conversation.

        Returns:
            Whether there is such a reply.
        """
        known = select(ReplyRow.id).join(MessageRow).where(ReplyRow.id == reply_id)
        if conversation_id is not None:
            known = known.where(MessageRow.conversation_id == conversation_id)
        with self._database.write() as session:
            if session.scalar(known) is None:
                return False
            values = {"rating": rating, "comment": comment, "at": now()}
            session.execute(
                self._database.insert(FeedbackRow)
                .values(reply_id=reply_id, **values)
                .on_conflict_do_update(index_elements=[FeedbackRow.reply_id], set_=values)
            )
            return True

    def _erase(self, which: ColumnElement[bool]) -> list[str]:
        with self._database.write() as session:
            gone = delete(ConversationRow).where(which).returning(ConversationRow.id)
            return list(session.scalars(gone))


def _message_json(row: MessageRow) -> dict[str, Any]:
    return {
        "message_id": row.client_id,
        "text": row.text,
        "at": row.at.isoformat(),
        "status": row.status,
        "reason": row.reason,
    }


def _feedback_json(row: FeedbackRow) -> dict[str, Any]:
    return {"rating": row.rating, "comment": row.comment, "at": row.at.isoformat()}
