"""The engine: SQLite or Postgres, with transactions that read and transactions that write."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Insert, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from bot.store.config import StoreConfig
from bot.store.errors import StoreUnreachable
from models.errors import ConfigError

_BEGIN = "truepenny_begin"
# FULL: what is committed survives a power cut. secure_delete: what is erased is overwritten.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


class Database:
    """A database. Its methods block and may be used from several threads."""

    def __init__(self, config: StoreConfig) -> None:
        self.url = parse_url(config.url)
        self.memory = self.is_sqlite and self.url.database in (None, "", ":memory:")
        self.engine = self._sqlite(config) if self.is_sqlite else self._postgres(config)
        # The one connection of a database in memory serves one transaction at a time.
        self._turn: Any = threading.RLock() if self.memory else nullcontext()
        self._readers = self.engine
        if not self.is_sqlite:  # a reader sees one moment, as SQLite's do anyway
            self._readers = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._writers = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @property
    def is_sqlite(self) -> bool:
        """Else it is Postgres."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that reads: one consistent view.

        Raises:
            StoreUnreachable: The database doesn't answer.
        """
        with self._turn, self._explained(), Session(self._readers) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes: committed whole at the end, or nothing of it.

        Raises:
            StoreUnreachable: The database doesn't answer, or stays locked.
        """
        with self._turn, self._explained(), Session(self._writers) as session, session.begin():
            yield session

    def insert(self, table: Any) -> Any:
        """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        statement: Insert = (sqlite if self.is_sqlite else postgresql).insert(table)
        return statement

    def ping(self) -> None:
        """Asks the database for a sign of life.

        Raises:
            StoreUnreachable: There is none.
        """
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Gives its connections back."""
        with self._turn:  # closed under a statement of another thread, SQLite crashes
            self.engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            raise StoreUnreachable(
                f"the database {self.name} doesn't answer ({kind}): see that it runs, can be "
                "reached from here and isn't locked by another program"
            ) from None

    def _sqlite(self, config: StoreConfig) -> Engine:
        more: dict[str, Any] = {"poolclass": StaticPool}
        if not self.memory:
            _private(Path(str(self.url.database)), self.name)
            more = {"pool_size": config.pool_size, "pool_timeout": config.timeout_s}
        arguments = {"check_same_thread": False, "timeout": config.timeout_s}
        engine = create_engine(self.url, connect_args=arguments, hide_parameters=True, **more)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgres(self, config: StoreConfig) -> Engine:
        return create_engine(
            self.url, hide_parameters=True, pool_pre_ping=True, pool_size=config.pool_size,
            pool_timeout=config.timeout_s, connect_args={"connect_timeout": int(config.timeout_s)},
        )  # fmt: skip


def parse_url(given: str) -> URL:
    """A database URL as SQLAlchemy's, with the driver that we have.

    Raises:
        ConfigError: It is none, or of another database.
    """
    expected = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    try:
        url = make_url(given)
    except ArgumentError:
        raise ConfigError(f"[store] url is not a URL: {expected}") from None
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise ConfigError(f"[store] url names a database {url.drivername!r}: {expected}")
    return url


def _private(file: Path, name: str) -> None:
    """Makes the file for this user alone: it will hold what customers wrote."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise StoreUnreachable(f"can't make the database {name}: {error.strerror}") from None


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that read first could no longer wait for it."""
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
