"""Whose turn it is: messages are recorded first and answered one after another.

A message has an owner, the request that waits for it, with a lease that the owner renews. The
oldest message without an answer is the head of its conversation, and only the head's owner may
work. If the lease runs out, the owner has died: whoever comes next takes the message over. The
reply counts only if the message still has the owner that made it, so it is given once.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Update, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from bot.store.database import Database
from bot.store.outbox import put
from bot.store.records import from_json, to_json
from bot.store.schema import ConversationRow, MessageRow, ReplyRow
from bot.store.types import Delivery, Incoming, Message, Standing, now
from bot.types import Reply, State

MAX_ATTEMPTS = 3
Refusal = Literal["full", "reused", "not_theirs"]
_WAITING, _ANSWERED, _FAILED = "waiting", "answered", "failed"


class Turns:
    """Messages on their way to a reply. An `owner` is a fresh random name for each request."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self.lease_s = lease_s
        self._database = database

    def receive(self, incoming: Incoming, owner: str, most: int) -> Message | Refusal:
        """Puts a message on record, or finds it there if it is a repeat.

        A repeat of a message that failed goes to the end of the line again.

        Args:
            incoming: The message.
            owner: Who will wait for it; a repeat of one that is waited for keeps its owner.
            most: How many messages of a conversation may wait; one more is "full".

        Returns:
            The message; "reused" if its id was given to another text before; "not_theirs" if
            the conversation belongs to another user.
        """
        with self._database.write() as session:
            conversation = locked(
                self._database, session, incoming.conversation_id, incoming.user_id,
                incoming.channel,
            )  # fmt: skip
            known = session.scalar(
                select(MessageRow).where(
                    MessageRow.conversation_id == incoming.conversation_id,
                    MessageRow.client_id == incoming.client_id,
                )
            )
            if incoming.user_id and conversation.user_id not in (None, incoming.user_id):
                return "not_theirs"
            if known and known.text != incoming.text:
                return "reused"
            if known and known.status != _FAILED:
                return _message(known)
            if self._waiting(session, incoming.conversation_id) >= most:
                return "full"
            conversation.user_id = conversation.user_id or incoming.user_id
            if incoming.profile:
                state = from_json(State, conversation.state)
                conversation.state = to_json(replace(state, profile=incoming.profile))
            row = known or self._new(session, incoming)
            row.position = self._last(session, incoming.conversation_id) + 1
            row.status, row.reason, row.attempts = _WAITING, None, (row.attempts or 0) + 1
            row.owner, row.lease_until = owner, self._lease()
            session.flush()
            return _message(row)

    def known(self, conversation_id: str, client_id: str) -> bool:
        """Whether a message was ever taken in under this id, whatever became of it."""
        found = select(MessageRow.id).where(
            MessageRow.conversation_id == conversation_id, MessageRow.client_id == client_id
        )
        with self._database.read() as session:
            return session.scalar(found) is not None

    def standing(self, message_id: int, owner: str) -> Standing:
        """How it stands with a message, for the one who waits for it."""
        with self._database.read() as session:
            row = session.get(MessageRow, message_id)
            if row is None:
                return Standing(status="gone")
            if row.status == _ANSWERED:
                body = session.scalars(
                    select(ReplyRow.body).where(ReplyRow.message_id == message_id)
                ).one()
                return Standing(status="answered", reply=from_json(Reply, body))
            if row.status == _FAILED:
                return Standing(status="failed", reason=row.reason)
            head = session.scalars(
                select(MessageRow)
                .where(MessageRow.conversation_id == row.conversation_id)
                .where(MessageRow.status == _WAITING)
                .order_by(MessageRow.position)
                .limit(1)
            ).one()
            if head.id == message_id and head.owner == owner:
                conversation = session.get_one(ConversationRow, row.conversation_id)
                return Standing(status="now", state=from_json(State, conversation.state))
            dead = _message(head) if head.lease_until < now() else None
            return Standing(status="wait", abandoned=dead)

    def take_over(self, message_id: int, owner: str, deliveries: Iterable[Delivery] = ()) -> bool:
        """Takes a message whose owner has died; whether it is `owner`'s now.

        One whose owners died `MAX_ATTEMPTS` times fails: it may be what kills them. Then, and
        only then, `deliveries` are put into the outbox.
        """
        with self._database.write() as session:
            row = session.get(MessageRow, message_id, with_for_update=True)
            if row is None or row.status != _WAITING or row.lease_until >= now():
                return False
            if row.attempts >= MAX_ATTEMPTS:
                row.status, row.reason = _FAILED, "interrupted"
                for delivery in deliveries:
                    put(session, delivery, row.conversation_id)
                return False
            row.owner, row.lease_until = owner, self._lease()
            row.attempts += 1
            return True

    def renew(self, message_id: int, owner: str) -> None:
        """Says that the owner lives."""
        with self._database.write() as session:
            session.execute(_own(message_id, owner).values(lease_until=self._lease()))

    def finish(
        self,
        message_id: int,
        owner: str,
        reply: Reply,
        state: State,
        deliveries: Iterable[Delivery] = (),
    ) -> bool:
        """Records a reply, the state after it and what is to be delivered, all or nothing.

        Returns:
            Whether it was recorded; if not, the message has another owner by now or is erased,
            and this reply must not be given.
        """
        with self._database.write() as session:
            conversation = session.get(ConversationRow, state.conversation_id, with_for_update=True)
            done = session.execute(_own(message_id, owner).values(status=_ANSWERED))
            if conversation is None or not done.rowcount:  # type: ignore[attr-defined]
                return False
            at = now()
            session.add(
                ReplyRow(id=reply.reply_id, message_id=message_id, body=to_json(reply), at=at)
            )
            conversation.state, conversation.updated_at = to_json(state), at
            for delivery in deliveries:
                put(session, delivery, state.conversation_id)
            return True

    def fail(
        self, message_id: int, owner: str, reason: str, deliveries: Iterable[Delivery] = ()
    ) -> None:
        """Gives a message up, honestly, with what is to be delivered; the next one's turn comes."""
        with self._database.write() as session:
            failed = _own(message_id, owner).values(status=_FAILED, reason=reason[:100])
            conversation_id = session.scalar(failed.returning(MessageRow.conversation_id))
            if conversation_id is not None:
                for delivery in deliveries:
                    put(session, delivery, conversation_id)

    def release(self, message_id: int, owner: str) -> None:
        """Leaves a message to whoever looks for abandoned ones; it doesn't count as a death."""
        with self._database.write() as session:
            session.execute(
                _own(message_id, owner).values(
                    lease_until=now() - timedelta(seconds=1), attempts=MessageRow.attempts - 1
                )
            )

    def withdraw(self, message_id: int, owner: str) -> None:
        """Takes a message off the record that was refused; a conversation of it alone goes too."""
        own = select(MessageRow).where(MessageRow.id == message_id, MessageRow.owner == owner)
        with self._database.write() as session:
            row = session.scalar(own.where(MessageRow.status == _WAITING))
            if row is None:
                return
            session.delete(row)
            session.flush()
            left = select(MessageRow.id).where(MessageRow.conversation_id == row.conversation_id)
            session.execute(
                delete(ConversationRow)
                .where(ConversationRow.id == row.conversation_id)
                .where(~left.exists())
            )

    def abandoned(self, most: int) -> list[Message]:
        """Messages at the head of their conversations whose owners have died."""
        before = aliased(MessageRow)
        earlier = select(before.id).where(
            before.conversation_id == MessageRow.conversation_id,
            before.status == _WAITING,
            before.position < MessageRow.position,
        )
        with self._database.read() as session:
            rows = session.scalars(
                select(MessageRow)
                .where(MessageRow.status == _WAITING, MessageRow.lease_until < now())
                .where(~earlier.exists())
                .order_by(MessageRow.lease_until)
                .limit(most)
            )
            return [_message(row) for row in rows]

    def _new(self, session: Session, incoming: Incoming) -> MessageRow:
        row = MessageRow(
            conversation_id=incoming.conversation_id, client_id=incoming.client_id,
            text=incoming.text, at=now(), attempts=0,
        )  # fmt: skip
        session.add(row)
        return row

    def _waiting(self, session: Session, conversation_id: str) -> int:
        found = select(func.count()).where(
            MessageRow.conversation_id == conversation_id, MessageRow.status == _WAITING
        )
        return session.scalar(found) or 0

    def _last(self, session: Session, conversation_id: str) -> int:
        with session.no_autoflush:
            found = select(func.max(MessageRow.position)).where(
                MessageRow.conversation_id == conversation_id
            )
            return session.scalar(found) or 0

    def _lease(self) -> datetime:
        return now() + timedelta(seconds=self.lease_s)


def locked(
    database: Database,
    session: Session,
    conversation_id: str,
    user_id: str | None = None,
    channel: str | None = None,
) -> ConversationRow:
    """The conversation, made if need be, and locked until the transaction ends."""
    at = now()
    session.execute(
        database.insert(ConversationRow)
        .values(
            id=conversation_id, created_at=at, updated_at=at,
            state=to_json(State(conversation_id=conversation_id)),
            user_id=user_id, channel=channel,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    return session.get_one(ConversationRow, conversation_id, with_for_update=True)


def _own(message_id: int, owner: str) -> Update:
    """An UPDATE of a message that still waits and is still this owner's."""
    return update(MessageRow).where(
        MessageRow.id == message_id, MessageRow.owner == owner, MessageRow.status == _WAITING
    )


def _message(row: MessageRow) -> Message:
    return Message(
        id=row.id, conversation_id=row.conversation_id, client_id=row.client_id,
        text=row.text, at=row.at,
    )  # fmt: skip
