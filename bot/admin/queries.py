"""What the admin page reads from the store. It writes nothing."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import JSON, Select, cast, exists, func, select, true, type_coerce

from bot.admin.types import (
    PER_PAGE,
    Asked,
    Conversation,
    ConversationLine,
    Exchange,
    HandedOver,
    Page,
    Rated,
    Said,
    Search,
)
from bot.store.database import Database
from bot.store.records import from_json
from bot.store.schema import ConversationRow, FeedbackRow, MessageRow, ReplyRow
from bot.store.types import now
from bot.types import Reply, State

# Why a question got no answer, where a better help centre would have helped.
LACKING = ("no_evidence", "partial_evidence", "contradicted", "unchecked", "out_of_scope")
MOST_ASKED = 500
MOST_SAID = 20_000
EXCERPT = 300


class Queries:
    """Reads. All methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def conversations(self, search: Search) -> Page[ConversationLine]:
        """A page of the conversations that fit, the one used last first."""
        which = exists(self._matching(search)) if search.narrowed else true()
        found = select(ConversationRow).where(which).order_by(ConversationRow.updated_at.desc())
        with self._database.read() as session:
            total = session.scalar(select(func.count(ConversationRow.id)).where(which)) or 0
            rows = list(session.scalars(_paged(found, search.page)))
            inside: dict[str, list[Any]] = {row.id: [] for row in rows}
            for each in session.execute(self._turns(inside)):
                inside[each.conversation_id].append(each)
        lines = tuple(_line(row, inside[row.id]) for row in rows)
        return Page(items=lines, number=search.page, total=total)

    def conversation(self, conversation_id: str) -> Conversation | None:
        """All of a conversation; None if there is none."""
        found = (
            select(MessageRow, ReplyRow, FeedbackRow)
            .outerjoin(ReplyRow, ReplyRow.message_id == MessageRow.id)
            .outerjoin(FeedbackRow, FeedbackRow.reply_id == ReplyRow.id)
            .where(MessageRow.conversation_id == conversation_id)
            .order_by(MessageRow.position)
        )
        with self._database.read() as session:
            row = session.get(ConversationRow, conversation_id)
            if row is None:
                return None
            exchanges = tuple(
                Exchange(
                    text=message.text, at=message.at, status=message.status,
                    reason=message.reason,
                    reply=from_json(Reply, reply.body) if reply else None,
                    rating=feedback.rating if feedback else None,
                    comment=feedback.comment if feedback else None,
                )
                for message, reply, feedback in session.execute(found)
            )  # fmt: skip
            return Conversation(
                id=row.id, user_id=row.user_id, channel=row.channel, created_at=row.created_at,
                updated_at=row.updated_at, state=from_json(State, row.state), exchanges=exchanges,
            )  # fmt: skip

    def unanswered(self, days: int) -> list[Asked]:
        """The latest questions that the help centre had no answer to, newest first."""
        cause = self._field("cause").as_string()
        found = (
            select(MessageRow.text, MessageRow.at, MessageRow.conversation_id, cause)
            .join(ReplyRow, ReplyRow.message_id == MessageRow.id)
            .where(ReplyRow.at >= _ago(days), cause.in_(LACKING))
            .order_by(ReplyRow.at.desc())
            .limit(MOST_ASKED)
        )
        with self._database.read() as session:
            return [
                Asked(text=text, at=at, conversation_id=conversation_id, cause=why)
                for text, at, conversation_id, why in session.execute(found)
            ]

    def feedback(self, rating: str | None, page: int) -> Page[Rated]:
        """What customers thought of replies, newest first; one rating only, if named."""
        which = FeedbackRow.rating.in_((rating,) if rating else ("up", "down"))
        found = (
            select(
                FeedbackRow, MessageRow.text, MessageRow.conversation_id,
                self._field("text").as_string(), self._field("action").as_string(),
            )
            .join(ReplyRow, ReplyRow.id == FeedbackRow.reply_id)
            .join(MessageRow, MessageRow.id == ReplyRow.message_id)
            .where(which)
            .order_by(FeedbackRow.at.desc())
        )  # fmt: skip
        with self._database.read() as session:
            total = session.scalar(select(func.count(FeedbackRow.reply_id)).where(which)) or 0
            items = tuple(
                Rated(
                    rating=row.rating, comment=row.comment, at=row.at, question=question,
                    reply=reply, action=action, conversation_id=conversation_id,
                )
                for row, question, conversation_id, reply, action in session.execute(
                    _paged(found, page)
                )
            )  # fmt: skip
        return Page(items=items, number=page, total=total)

    def ratings(self) -> dict[str, int]:
        """How many thumbs went up and down."""
        found = select(FeedbackRow.rating, func.count()).group_by(FeedbackRow.rating)
        with self._database.read() as session:
            return {"up": 0, "down": 0} | {row[0]: row[1] for row in session.execute(found)}

    def handoffs(self, page: int) -> Page[HandedOver]:
        """What went to a person, newest first."""
        which = self._field("handoff", "reason").as_string().isnot(None)
        found = (
            select(
                ReplyRow.at, MessageRow.conversation_id, self._field("cause").as_string(),
                MessageRow.text, self._field("handoff"),
            )
            .join(MessageRow, MessageRow.id == ReplyRow.message_id)
            .where(which)
            .order_by(ReplyRow.at.desc())
        )  # fmt: skip
        with self._database.read() as session:
            total = session.scalar(select(func.count(ReplyRow.id)).where(which)) or 0
            items = tuple(
                HandedOver(
                    at=at, conversation_id=conversation_id, cause=cause, question=question,
                    reason=given["reason"], summary=given.get("summary", ""),
                    evidence=tuple(given.get("evidence", ())), slots=given.get("slots", {}),
                )
                for at, conversation_id, cause, question, given in session.execute(
                    _paged(found, page)
                )
            )  # fmt: skip
        return Page(items=items, number=page, total=total)

    def said(self, days: int) -> list[Said]:
        """The latest replies in numbers, without the silences while a person talks."""
        found = (
            select(
                ReplyRow.at, self._field("action").as_string(), self._field("timings"),
                self._field("sentences"),
            )
            .where(ReplyRow.at >= _ago(days), self._field("text").as_string() != "")
            .order_by(ReplyRow.at.desc())
            .limit(MOST_SAID)
        )  # fmt: skip
        with self._database.read() as session:
            return [
                Said(
                    at=at, action=action, timings=timings or {},
                    probabilities=tuple(
                        each["probability"]
                        for each in sentences or ()
                        if each["probability"] is not None
                    ),
                )
                for at, action, timings, sentences in session.execute(found)
            ]  # fmt: skip

    def _field(self, *path: str) -> Any:
        """A field of the reply's JSON, read by the database."""
        as_json: Any = type_coerce if self._database.is_sqlite else cast
        return as_json(ReplyRow.body, JSON)[path if len(path) > 1 else path[0]]

    def _matching(self, search: Search) -> Select[Any]:
        """The messages of the conversation at hand that fit a search."""
        found = (
            select(MessageRow.id)
            .outerjoin(ReplyRow, ReplyRow.message_id == MessageRow.id)
            .where(MessageRow.conversation_id == ConversationRow.id)
            .correlate(ConversationRow)
        )
        for key in ("action", "cause"):
            if wanted := getattr(search, key):
                found = found.where(self._field(key).as_string() == wanted)
        if search.q:
            said = self._field("text").as_string()
            found = found.where(
                MessageRow.text.icontains(search.q, autoescape=True)
                | said.icontains(search.q, autoescape=True)
            )
        if search.since:
            found = found.where(MessageRow.at >= _midnight(search.since))
        if search.until:
            found = found.where(MessageRow.at < _midnight(search.until) + timedelta(days=1))
        return found

    def _turns(self, conversations: Iterable[str]) -> Select[Any]:
        return (
            select(
                MessageRow.conversation_id, MessageRow.text, FeedbackRow.rating,
                self._field("action").as_string().label("action"),
                self._field("cause").as_string().label("cause"),
            )
            .outerjoin(ReplyRow, ReplyRow.message_id == MessageRow.id)
            .outerjoin(FeedbackRow, FeedbackRow.reply_id == ReplyRow.id)
            .where(MessageRow.conversation_id.in_(list(conversations)))
            .order_by(MessageRow.position)
        )  # fmt: skip


def _line(row: ConversationRow, turns: list[Any]) -> ConversationLine:
    last = next((turn for turn in reversed(turns) if turn.action), None)
    return ConversationLine(
        id=row.id, user_id=row.user_id, channel=row.channel, updated_at=row.updated_at,
        messages=len(turns), question=turns[0].text[:EXCERPT] if turns else "",
        action=last.action if last else None, cause=last.cause if last else None,
        ratings=tuple(turn.rating for turn in turns if turn.rating),
    )  # fmt: skip


def _paged(found: Select[Any], page: int) -> Select[Any]:
    return found.limit(PER_PAGE).offset((page - 1) * PER_PAGE)


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), UTC)


def _ago(days: int) -> datetime:
    return now() - timedelta(days=days)
