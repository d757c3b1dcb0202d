"""The store: one database and what is kept in it."""

from bot.store.audit import Audit
from bot.store.config import StoreConfig
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.handovers import Handovers
from bot.store.keys import Keys
from bot.store.migrate import require_current, upgrade
from bot.store.needs import Needs
from bot.store.outbox import Outbox
from bot.store.turns import Turns


class Store:
    """What the bot remembers. All methods block and may be called from any thread."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self.database = database
        self.turns = Turns(database, lease_s)
        self.conversations = Conversations(database)
        self.handovers = Handovers(database)
        self.keys = Keys(database)
        self.needs = Needs(database)
        self.audit = Audit(database)
        self.outbox = Outbox(database)

    def close(self) -> None:
        """Gives the connections back."""
        self.database.close()


def open_store(config: StoreConfig) -> Store:
    """Opens the configured database. SQLite's tables are made or migrated on the way.

    Raises:
        ConfigError: The URL is wrong.
        StoreUnreachable: The database doesn't answer.
        SchemaMismatch: The tables are of another release.
    """
    database = Database(config)
    try:
        if database.is_sqlite:
            upgrade(database)
        require_current(database)
    except BaseException:
        database.close()
        raise
    return Store(database, config.lease_s)
