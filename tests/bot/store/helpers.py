"""Short ways to say things to a store."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from bot.store.schema import MessageRow
from bot.store.store import Store
from bot.store.types import Incoming, Message, now
from bot.types import Reply, State
from tests.fakes import make_reply


def receive(store: Store, text: str = "hi", owner: str = "a", **more: Any) -> Message:
    got = try_receive(store, text, owner, **more)
    assert isinstance(got, Message)
    return got


def try_receive(
    store: Store, text: str = "hi", owner: str = "a", most: int = 9, **more: Any
) -> Any:
    given = {"conversation_id": "c1", "client_id": text, "text": text} | more
    return store.turns.receive(Incoming(**given), owner, most)


def reply(text: str = "So it is.", conversation_id: str = "c1") -> Reply:
    return make_reply(State(conversation_id=conversation_id), text)


def finish(store: Store, message: Message, owner: str = "a", text: str = "So it is.") -> Reply:
    made = reply(text, message.conversation_id)
    state = store.turns.standing(message.id, owner).state
    assert state is not None
    assert store.turns.finish(message.id, owner, made, state)
    return made


def die(store: Store, message: Message) -> None:
    """The owner's lease runs out."""
    gone = update(MessageRow).where(MessageRow.id == message.id)
    with store.database.write() as session:
        session.execute(gone.values(lease_until=now() - timedelta(seconds=1)))
