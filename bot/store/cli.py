"""`truepenny keys | conversations | db`: what is remembered, and who may ask."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.store.config import store_config
from bot.store.errors import StoreError
from bot.store.types import SCOPES, Scope, now
from models.terminal import explained, out, say

if TYPE_CHECKING:
    from bot.store.store import Store

keys = typer.Typer(no_args_is_help=True)
conversations = typer.Typer(no_args_is_help=True)
db = typer.Typer(no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="truepenny.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Scopes = Annotated[
    list[str], typer.Option("--scope", help=f"Of {', '.join(SCOPES)}; may be repeated.")
]
Most = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]
UserId = Annotated[str | None, typer.Option("--user", help="This user's only, by id.")]
ConversationId = Annotated[str, typer.Argument(help="The conversation's id.")]
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@keys.command("create")
@explained
def create_key(
    name: Annotated[str, typer.Argument(help='What it is for, such as "help desk".')],
    scopes: Scopes,
    expires_in: Annotated[str, typer.Option(help="Such as 90d; never by default.")] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Makes a key and shows it, once.

    Example: truepenny keys create "help desk" --scope chat --scope search --expires-in 365d
    """
    expires_at = now() + _duration(expires_in) if expires_in else None
    with _store(config) as store:
        key, info = store.keys.create(name, _scopes(scopes), expires_at)
        store.audit.add(_actor(), "key.create", info.id, scopes=list(info.scopes))
    say("This key is shown once; it is kept as a hash only.")
    if as_json:
        out(_json(asdict(info)) | {"key": key})
    else:
        typer.echo(key)


@keys.command("list")
@explained
def list_keys(config: Config = None, as_json: AsJson = False) -> None:
    """Lists the keys, without their secrets."""
    with _store(config) as store:
        rows = [asdict(info) | {"usable": info.usable(now())} for info in store.keys.all()]
    _show(rows, as_json)


@keys.command("revoke")
@explained
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `keys list`.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ends a key at once, also for services that run."""
    with _store(config) as store:
        if not store.keys.revoke(key_id):
            raise StoreError(f"there is no key {key_id!r} to revoke: see `truepenny keys list`")
        store.audit.add(_actor(), "key.revoke", key_id)
    _done({"revoked": key_id}, f"The key {key_id} is revoked.", as_json)


@conversations.command("list")
@explained
def list_conversations(
    user: UserId = None, limit: Most = 100, config: Config = None, as_json: AsJson = False
) -> None:
    """Lists conversations, the one used last first."""
    with _store(config) as store:
        found = store.conversations.latest(user_id=user, most=limit)
    _show([asdict(info) for info in found], as_json)


@conversations.command("export")
@explained
def export_conversation(
    conversation_id: ConversationId, config: Config = None, as_json: AsJson = False
) -> None:
    """Prints all that is kept of a conversation, as JSON; on one line with --json."""
    with _store(config) as store:
        found = store.conversations.export(conversation_id)
        if found is None:
            raise _unknown(conversation_id)
        store.audit.add(_actor(), "conversation.export", conversation_id)
    if as_json:
        out(found)
    else:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


@conversations.command("give-back")
@explained
def give_back_conversation(
    conversation_id: ConversationId, config: Config = None, as_json: AsJson = False
) -> None:
    """Gives a conversation that a person has back to the bot.

    Example: truepenny conversations give-back 5f0c6f1e
    """
    if ":" in conversation_id:
        raise StoreError(f"{conversation_id!r} is held in a support system: give it back there")
    with _store(config) as store:
        if store.conversations.state(conversation_id) is None:
            raise _unknown(conversation_id)
        if not store.handovers.to_bot(conversation_id, now()):
            raise StoreError("its handoff is still being sent: try again later")
        store.audit.add(_actor(), "conversation.mode", conversation_id, mode="bot")
    row = {"conversation_id": conversation_id, "mode": "bot"}
    _done(row, f"The bot has {conversation_id}.", as_json)


@conversations.command("erase")
@explained
def erase_conversation(
    conversation_id: Annotated[str | None, typer.Argument(help="The conversation's id.")] = None,
    user: UserId = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erases a conversation, or with --user all of a user's."""
    if (conversation_id is None) == (user is None):
        raise typer.BadParameter("name a conversation or a --user")
    with _store(config) as store:
        if user is not None:
            erased = store.conversations.erase_user(user)
            store.audit.add(_actor(), "user.erase", _disguised(user), conversations=erased)
        elif store.conversations.erase(str(conversation_id)):
            erased = 1
            store.audit.add(_actor(), "conversation.erase", str(conversation_id))
        else:
            raise _unknown(str(conversation_id))
    _done({"erased": erased}, f"Conversations erased: {erased}.", as_json)


@conversations.command("purge")
@explained
def purge_conversations(
    older_than: Annotated[str, typer.Option(help="Such as 90d, 12h or 30m since the last use.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erases conversations that nobody has used for long.

    Example: truepenny conversations purge --older-than 90d
    """
    age = _duration(older_than)
    with _store(config) as store:
        erased = store.conversations.purge(now() - age)
        store.audit.add(_actor(), "conversation.purge", older_than, conversations=erased)
    _done({"erased": erased}, f"Conversations erased: {erased}.", as_json)


@db.command("upgrade")
@explained
def upgrade_db(config: Config = None, as_json: AsJson = False) -> None:
    """Brings the database's tables to this release; SQLite's are at every start."""
    from bot.store.database import Database
    from bot.store.migrate import upgrade

    database = Database(store_config(config))
    try:
        revision = upgrade(database)
    finally:
        database.close()
    _done({"revision": revision}, f"The tables are at revision {revision}.", as_json)


@db.command("audit")
@explained
def audit_log(limit: Most = 100, config: Config = None, as_json: AsJson = False) -> None:
    """Lists admin acts, newest first: who did what to what."""
    with _store(config) as store:
        rows = [asdict(entry) for entry in store.audit.latest(limit)]
    _show(rows, as_json)


@contextmanager
def _store(config: Path | None) -> Iterator["Store"]:
    from bot.store.store import open_store

    store = open_store(store_config(config))
    try:
        yield store
    finally:
        store.close()


def _scopes(given: list[str]) -> list[Scope]:
    for scope in given:
        if scope not in SCOPES:
            raise typer.BadParameter(f"there is no scope {scope!r}, only {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in given]


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text.strip())
    if not found:
        raise typer.BadParameter(f"expected a time such as 90d, 12h or 30m, got {text!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _disguised(user_id: str) -> str:
    """Who asked to be forgotten isn't kept by name; who knows the id can still find the entry."""
    return f"sha256:{hashlib.sha256(user_id.encode()).hexdigest()[:16]}"


def _actor() -> str:
    return f"cli:{getuser()}"


def _unknown(conversation_id: str) -> StoreError:
    return StoreError(
        f"there is no conversation {conversation_id!r}: see `truepenny conversations list`"
    )


def _json(row: dict[str, Any]) -> dict[str, Any]:
    """Times as ISO 8601."""
    return dict(json.loads(json.dumps(row, default=lambda value: value.isoformat())))


def _done(data: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        out(data)
    else:
        say(line)


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """One JSON object a line, or a table."""
    if as_json:
        for row in rows:
            out(_json(row))
        return
    if not rows:
        say("There is nothing yet.")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*rows[0])
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None or value == {} else str(value)
