"""Every test of the store runs on SQLite and on Postgres, where Postgres is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.store.config import StoreConfig
from bot.store.database import Database
from bot.store.migrate import upgrade
from bot.store.schema import Base
from bot.store.store import Store, open_store
from tests.bot.store import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    folder = postgres.binaries()
    if folder is None:
        pytest.skip("PostgreSQL isn't installed: apt-get install postgresql")
    with postgres.running(folder) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database, without tables."""
    database = Database(StoreConfig(url=postgres_server))
    with database.write() as session:
        session.execute(text("DROP SCHEMA public CASCADE"))
        session.execute(text("CREATE SCHEMA public"))
    database.close()
    return postgres_server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with tables and nothing in them."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/truepenny.db"
    server: str = request.getfixturevalue("postgres_server")
    database = Database(StoreConfig(url=server))
    upgrade(database)
    with database.write() as session:
        names = ", ".join(Base.metadata.tables)
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    database.close()
    return server


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(StoreConfig(url=url, lease_s=5))
    yield opened
    opened.close()
