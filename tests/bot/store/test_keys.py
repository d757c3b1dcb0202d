"""Keys: shown once, kept as a hash; and the audit log."""

from datetime import timedelta

from sqlalchemy import select

from bot.store.schema import KeyRow
from bot.store.store import Store
from bot.store.types import now


def test_a_key_is_found_by_itself_alone(store: Store) -> None:
    key, info = store.keys.create("desk", ["search", "chat"])
    found = store.keys.find(key)
    assert found
    assert (found.id, found.name, found.scopes) == (info.id, "desk", ("chat", "search"))
    for wrong in (key[:-1], key + "x", f"tp_{info.id}_", info.id, "tp_", "", "tp_\ud800_x"):
        assert store.keys.find(wrong) is None


def test_the_key_itself_is_not_kept(store: Store) -> None:
    key, _ = store.keys.create("desk", ["chat"])
    secret = key.split("_", 2)[2]
    assert len(secret) >= 43  # 256 bits
    with store.database.read() as session:
        row = session.scalars(select(KeyRow)).one()
        kept = " ".join(str(getattr(row, column.name)) for column in KeyRow.__table__.columns)
    assert secret not in kept
    assert len(row.digest) == 64


def test_revoked_and_expired_keys_are_none(store: Store) -> None:
    assert not store.keys.any()
    key, info = store.keys.create("desk", ["chat"])
    late, _ = store.keys.create("late", ["chat"], expires_at=now() - timedelta(seconds=1))
    assert store.keys.find(late) is None
    assert store.keys.revoke(info.id)
    assert not store.keys.revoke(info.id)
    assert not store.keys.revoke("nothing")
    assert store.keys.find(key) is None
    assert store.keys.any()  # revoking the last one doesn't open the doors
    assert [known.usable(now()) for known in store.keys.all()] == [False, False]


def test_its_last_use_is_noted(store: Store) -> None:
    key, _ = store.keys.create("desk", ["chat"])
    assert store.keys.all()[0].last_used_at is None
    store.keys.find(key)
    first = store.keys.all()[0].last_used_at
    assert first
    assert now() - first < timedelta(minutes=1)
    store.keys.find(key)
    assert store.keys.all()[0].last_used_at == first  # once a minute is enough


def test_the_audit_log_is_newest_first(store: Store) -> None:
    store.audit.add("cli:ann", "key.create", "k1", scopes=["chat"])
    store.audit.add("key:k1", "conversation.erase", "c1")
    newest, oldest = store.audit.latest(5)
    assert (newest.actor, newest.act, newest.subject) == ("key:k1", "conversation.erase", "c1")
    assert oldest.details == {"scopes": ["chat"]}
    assert len(store.audit.latest(1)) == 1
