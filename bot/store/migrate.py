"""Migrations: the tables as this release needs them."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from bot.store.database import Database
from bot.store.errors import SchemaMismatch, StoreUnreachable

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection

LOCK = 7_215_316  # of Postgres, for one migration at a time; any number that is only ours
LOCK_WAIT_S = 60


def upgrade(database: Database) -> str:
    """Brings the tables to this release's revision, one process at a time; gives the revision.

    Raises:
        StoreUnreachable: The database doesn't answer, or another migration doesn't end.
        SchemaMismatch: The tables are of a later release.
    """
    from alembic import command
    from filelock import FileLock, Timeout

    if database.is_sqlite and revision(database) == head():
        return head()
    _refuse_later(database)
    alone = database.is_sqlite and not database.memory
    lock = FileLock(f"{database.url.database}.lock", timeout=LOCK_WAIT_S) if alone else None
    try:
        with lock or nullcontext(), database.write() as session:
            connection = session.connection()
            if not database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            command.upgrade(_alembic(connection), "head")
    except Timeout:
        raise StoreUnreachable(
            f"another process has been migrating {database.name} for {LOCK_WAIT_S} s: stop it, "
            "or wait and start again"
        ) from None
    return head()


def revision(database: Database) -> str | None:
    """The revision of the tables as they are; None where there are none."""
    from alembic.migration import MigrationContext

    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def head() -> str:
    """The revision that this release needs."""
    found = _script(_alembic()).get_current_head()
    assert found is not None
    return found


def require_current(database: Database) -> None:
    """Refuses tables of another release.

    Raises:
        SchemaMismatch: They are older or later, or there are none.
    """
    found = revision(database)
    if found == head():
        return
    _refuse_later(database)
    raise SchemaMismatch(
        f"the tables of {database.name} are at revision {found or 'none'}, this release needs "
        f"{head()}: run `truepenny db upgrade`"
    )


def _refuse_later(database: Database) -> None:
    found = revision(database)
    known = {script.revision for script in _script(_alembic()).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaMismatch(
            f"the tables of {database.name} are at revision {found}, which this release "
            f"doesn't know (it needs {head()}): use the release that made them, or a later one"
        )


def _script(config: "Config") -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config)


def _alembic(connection: "Connection | None" = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    config.attributes["connection"] = connection
    return config
