"""Conversations at rest: exported whole, erased whole, purged by age."""

from datetime import timedelta

from sqlalchemy import func, select, update

from bot.store.schema import Base, ConversationRow
from bot.store.store import Store
from bot.store.types import Delivery, now
from tests.bot.store.helpers import finish, receive, reply


def rows(store: Store) -> dict[str, int]:
    with store.database.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def age(store: Store, conversation_id: str, days: int) -> None:
    old = update(ConversationRow).where(ConversationRow.id == conversation_id)
    with store.database.write() as session:
        session.execute(old.values(updated_at=now() - timedelta(days=days)))


def test_an_export_has_all_of_it(store: Store) -> None:
    made = finish(store, receive(store, "How long?", user_id="u1", channel="web"))
    store.turns.fail(receive(store, "And?").id, "a", "too-slow")
    assert store.conversations.rate(made.reply_id, "down", "wrong")
    found = store.conversations.export("c1")
    assert found
    assert (found["user_id"], found["channel"]) == ("u1", "web")
    first, second = found["messages"]
    assert first["reply"]["sentences"][0]["status"] == "supported"
    assert first["reply"]["reply_id"] == made.reply_id
    assert first["feedback"] | {"at": ""} == {"rating": "down", "comment": "wrong", "at": ""}
    assert (second["status"], second["reason"], second["reply"]) == ("failed", "too-slow", None)
    assert store.conversations.export("c2") is None


def test_erasing_leaves_nothing(store: Store) -> None:
    message = receive(store)
    made = reply()
    state = store.turns.standing(message.id, "a").state
    assert state
    store.turns.finish(message.id, "a", made, state, [Delivery(destination="x", payload={})])
    store.conversations.rate(made.reply_id, "up")
    finish(store, receive(store, conversation_id="c2"))
    assert store.conversations.erase("c1")
    assert not store.conversations.erase("c1")
    left = {name: count for name, count in rows(store).items() if count}
    assert left == {"conversations": 1, "messages": 1, "replies": 1}


def test_a_user_is_forgotten(store: Store) -> None:
    for n, user in enumerate(("u1", "u1", "u2", None)):
        receive(store, conversation_id=f"c{n}", user_id=user)
    assert {info.id for info in store.conversations.latest(user_id="u1")} == {"c0", "c1"}
    assert store.conversations.erase_user("u1") == 2
    assert {info.id for info in store.conversations.latest()} == {"c2", "c3"}


def test_purging_goes_by_the_last_use(store: Store) -> None:
    for name in ("old", "new", "busy"):
        message = receive(store, conversation_id=name)
        if name != "busy":
            finish(store, message)
    age(store, "old", 10)
    age(store, "busy", 10)
    assert store.conversations.purge(now() - timedelta(days=11)) == 0
    assert store.conversations.purge(now() - timedelta(days=9)) == 1
    assert {info.id for info in store.conversations.latest()} == {"new", "busy"}


def test_the_list_is_newest_first(store: Store) -> None:
    for name in ("a", "b", "c"):
        receive(store, conversation_id=name)
    age(store, "b", -1)
    found = store.conversations.latest(most=2)
    assert (len(found), found[0].id) == (2, "b")
    assert found[0].messages == 1
    assert found[0].created_at.tzinfo is not None


def test_the_last_word_on_a_reply_counts(store: Store) -> None:
    made = finish(store, receive(store))
    assert store.conversations.rate(made.reply_id, "down", "no")
    assert store.conversations.rate(made.reply_id, "up", conversation_id="c1")
    assert not store.conversations.rate(made.reply_id, "down", conversation_id="c2")
    assert not store.conversations.rate("nothing", "up")
    feedback = (store.conversations.export("c1") or {})["messages"][0]["feedback"]
    assert (feedback["rating"], feedback["comment"]) == ("up", None)
