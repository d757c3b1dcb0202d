"""Migrations: they make the tables of the schema, and other releases' tables are refused."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from bot.store.config import StoreConfig
from bot.store.database import Database
from bot.store.errors import SchemaMismatch
from bot.store.migrate import head, revision, upgrade
from bot.store.schema import Base
from bot.store.store import Store, open_store


def test_the_migrations_make_the_schemas_tables(store: Store) -> None:
    with store.database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == head()


def test_postgres_is_migrated_only_when_told(postgres_url: str) -> None:
    config = StoreConfig(url=postgres_url)
    with pytest.raises(SchemaMismatch, match=r"revision none.*run `truepenny db upgrade`"):
        open_store(config)
    database = Database(config)
    assert upgrade(database) == upgrade(database) == head()
    database.close()
    open_store(config).close()


def test_tables_of_a_later_release_are_refused(url: str) -> None:
    database = Database(StoreConfig(url=url))
    upgrade(database)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuses in (lambda: open_store(StoreConfig(url=url)), lambda: upgrade(database)):
        with pytest.raises(SchemaMismatch, match="9999, which this release doesn't know"):
            refuses()
    with database.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{head()}'"))
    database.close()


def test_several_may_start_at_once(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path}/new.db", postgres_url):
        databases = [Database(StoreConfig(url=url)) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(upgrade, databases)) == [head()] * 4
        assert revision(databases[0]) == head()
        for database in databases:
            database.close()


def test_a_database_in_memory_is_ready_at_once() -> None:
    store = open_store(StoreConfig(url="sqlite://"))
    assert revision(store.database) == head()
    store.close()
