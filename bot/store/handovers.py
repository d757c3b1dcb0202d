"""Who has a conversation: the bot or a person, changed from outside between messages."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select, update

from bot.store.database import Database
from bot.store.outbox import put
from bot.store.records import from_json, to_json
from bot.store.schema import ConversationRow, MessageRow, OutboxRow
from bot.store.turns import locked
from bot.store.types import Delivery, now
from bot.types import State

TAKEN = "person"


class Handovers:
    """Passes conversations on, in line with the turns of the same conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def to_person(self, conversation_id: str, deliveries: Iterable[Delivery] = ()) -> None:
        """A person has the conversation: what the bot is about to say isn't said any more.

        Messages that wait for the bot fail with the reason "person", so that a reply under way
        can't be recorded, and what waits in the outbox is dropped.

        Args:
            conversation_id: The conversation; made if it isn't known yet.
            deliveries: What is to be sent in place of what was dropped.
        """
        with self._database.write() as session:
            row = locked(self._database, session, conversation_id)
            at = now()
            state = replace(
                from_json(State, row.state), mode="person",
                person_at=at.isoformat(timespec="seconds"),
            )  # fmt: skip
            row.state, row.updated_at = to_json(state), at
            session.execute(
                update(MessageRow)
                .where(MessageRow.conversation_id == conversation_id)
                .where(MessageRow.status == "waiting")
                .values(status="failed", reason=TAKEN)
            )
            session.execute(
                delete(OutboxRow)
                .where(OutboxRow.conversation_id == conversation_id)
                .where(OutboxRow.state == "waiting")
            )
            for delivery in deliveries:
                put(session, delivery, conversation_id)

    def to_bot(self, conversation_id: str, at: datetime | None) -> bool:
        """Gives a conversation back to the bot, unless that is old news.

        Flows that were left open aren't taken up again: a person has dealt with them.

        Args:
            conversation_id: The conversation.
            at: When it was given back; None if it wasn't. If a person took it after that, or if
                the bot's own handoff is still on its way out, it stays with the person.

        Returns:
            Whether the bot has it.
        """
        with self._database.write() as session:
            row = session.get(ConversationRow, conversation_id, with_for_update=True)
            if row is None:
                return True
            state = from_json(State, row.state)
            if state.mode == "bot":
                return True
            sending = select(OutboxRow.id).where(
                OutboxRow.conversation_id == conversation_id, OutboxRow.state == "waiting"
            )
            if at is None or at <= row.updated_at or session.scalar(sending.limit(1)) is not None:
                return False
            back = replace(state, mode="bot", failures=0, pending=None, stack=(), person_at=None)
            row.state, row.updated_at = to_json(back), now()
            return True
