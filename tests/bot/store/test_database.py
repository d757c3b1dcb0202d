"""The database: where it may be, who may read its file, and what is said when it is away."""

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.store.config import StoreConfig, store_config
from bot.store.database import Database, parse_url
from bot.store.errors import StoreUnreachable
from bot.store.store import Store, open_store
from models.errors import ConfigError
from tests.bot.store.helpers import receive


def test_its_file_is_this_users_alone(tmp_path: Path) -> None:
    open_store(StoreConfig(url=f"sqlite:///{tmp_path}/deep/er/t.db")).close()
    mode = stat.S_IMODE((tmp_path / "deep/er/t.db").stat().st_mode)
    assert mode & 0o077 == 0


def test_it_survives_a_restart_and_sets_sqlite_up(tmp_path: Path) -> None:
    config = StoreConfig(url=f"sqlite:///{tmp_path}/t.db")
    first = open_store(config)
    receive(first, "kept")
    first.close()
    again = open_store(config)
    assert again.conversations.unanswered("c1")[0]["text"] == "kept"
    with again.database.read() as session:
        connection = session.connection()
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "secure_delete")
        ]
    assert found == ["wal", 1, 2, 1]
    again.close()


def test_who_waits_too_long_for_sqlite_is_told(tmp_path: Path) -> None:
    store = open_store(StoreConfig(url=f"sqlite:///{tmp_path}/t.db", timeout_s=0.1))
    other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnreachable, match="locked by another program"):
        receive(store)
    store.database.ping()  # readers don't wait for a writer
    other.execute("ROLLBACK")
    other.close()
    receive(store)
    store.close()


def test_an_unreachable_postgres_is_told_without_its_password() -> None:
    url = "postgresql://ann:hush@127.0.0.1:1/shop"
    with pytest.raises(StoreUnreachable, match="doesn't answer") as told:
        open_store(StoreConfig(url=url, timeout_s=2))
    assert "hush" not in str(told.value)
    assert "shop" in str(told.value)


def test_errors_hold_no_customer_text(store: Store) -> None:
    insert = text("INSERT INTO nowhere VALUES (:said)")
    with pytest.raises((DBAPIError, StoreUnreachable)) as told, store.database.write() as session:
        session.execute(insert, {"said": "my card ends in 4242"})
    assert "4242" not in str(told.value)


def test_only_two_databases_are_known(tmp_path: Path) -> None:
    for wrong in ("mysql://x/y", "nonsense", ""):
        with pytest.raises(ConfigError, match="expected sqlite"):
            parse_url(wrong)
    assert parse_url("postgres://u@h/d").drivername == "postgresql+psycopg"
    with pytest.raises(StoreUnreachable, match="can't make the database"):
        Database(StoreConfig(url="sqlite:////proc/nowhere/t.db"))


def test_a_password_doesnt_belong_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "truepenny.toml"
    path.write_text('[store]\nurl = "postgresql://ann:hush@db/shop"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="TRUEPENNY_STORE_URL") as told:
        store_config(path, {})
    assert "hush" not in str(told.value)
    path.write_text('[store]\nurl = "postgresql://db/shop"\nlease_s = 3\n', encoding="utf-8")
    assert store_config(path, {}).url == "postgresql://db/shop"
    given = store_config(path, {"TRUEPENNY_STORE_URL": "postgresql://ann:hush@db/shop"})
    assert (given.url, given.lease_s) == ("postgresql://ann:hush@db/shop", 3)
    assert "hush" not in repr(given)
