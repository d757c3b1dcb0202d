"""The outbox: what is to be sent, kept until it has been, shared by several processes."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from bot.store.database import Database
from bot.store.schema import OutboxRow
from bot.store.types import Delivery, now

_WAITING, _DONE, _DEAD = "waiting", "done", "dead"


class Outbox:
    """Deliveries. Whoever claims one has it until the lease runs out, then it is due again.

    A delivery is made at least once: after a crash between sending and `done`, twice. Send its
    `id` along as an idempotency key. Those of a conversation go out one after another, in the
    order in which they came in: the next can be claimed when the one before is done or given up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, delivery: Delivery, conversation_id: str | None = None) -> int:
        """Takes a delivery in and gives its id; erased with its conversation."""
        with self._database.write() as session:
            return put(session, delivery, conversation_id)

    def claim(self, owner: str, *, most: int = 10, lease_s: float = 60.0) -> list[Delivery]:
        """The deliveries that are due longest, for this owner alone until the lease runs out."""
        at = now()
        before = aliased(OutboxRow)
        earlier = select(before.id).where(
            before.conversation_id == OutboxRow.conversation_id,
            before.state == _WAITING,
            before.id < OutboxRow.id,
        )
        due = (
            select(OutboxRow)
            .where(OutboxRow.state == _WAITING, OutboxRow.next_attempt_at <= at)
            .where(~earlier.exists())
            .order_by(OutboxRow.next_attempt_at, OutboxRow.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as session:
            rows = session.scalars(due).all()
            for row in rows:
                row.owner, row.attempts = owner, row.attempts + 1
                row.next_attempt_at = at + timedelta(seconds=lease_s)
            return [
                Delivery(
                    id=row.id, destination=row.destination, payload=row.payload,
                    attempts=row.attempts,
                )
                for row in rows
            ]  # fmt: skip

    def done(self, delivery_id: int, owner: str) -> bool:
        """It was sent; False if the claim had run out."""
        return self._set(delivery_id, owner, state=_DONE, error=None, payload={})

    def confirm(self, delivery_id: int, conversation_id: str) -> bool:
        """The receiver says that it has it; False if that was known, or it is another's."""
        theirs = update(OutboxRow).where(
            OutboxRow.id == delivery_id,
            OutboxRow.conversation_id == conversation_id,
            OutboxRow.state == _WAITING,
        )
        with self._database.write() as session:
            done = session.execute(theirs.values(state=_DONE, owner=None, error=None, payload={}))
            return bool(done.rowcount)  # type: ignore[attr-defined]

    def retry(self, delivery_id: int, owner: str, at: datetime, error: str) -> bool:
        """It failed and is to be tried again at a time. `error` must hold no customer text."""
        return self._set(delivery_id, owner, next_attempt_at=at, error=error[:500])

    def give_up(self, delivery_id: int, owner: str, error: str) -> bool:
        """It is not tried again."""
        return self._set(delivery_id, owner, state=_DEAD, error=error[:500])

    def counts(self) -> dict[str, int]:
        """How many there are in each state: waiting, done, dead."""
        with self._database.read() as session:
            rows = session.execute(
                select(OutboxRow.state, func.count()).group_by(OutboxRow.state)
            ).all()
        return {_WAITING: 0, _DONE: 0, _DEAD: 0} | {row[0]: row[1] for row in rows}

    def _set(self, delivery_id: int, owner: str, **values: object) -> bool:
        theirs = update(OutboxRow).where(
            OutboxRow.id == delivery_id, OutboxRow.owner == owner, OutboxRow.state == _WAITING
        )
        with self._database.write() as session:
            done = session.execute(theirs.values(owner=None, **values))
            return bool(done.rowcount)  # type: ignore[attr-defined]


def put(session: Session, delivery: Delivery, conversation_id: str | None) -> int:
    """Takes a delivery in as part of a transaction."""
    at = now()
    row = OutboxRow(
        conversation_id=conversation_id, destination=delivery.destination,
        payload=dict(delivery.payload), state=_WAITING, attempts=0, next_attempt_at=at,
        created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id
