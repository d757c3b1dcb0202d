"""The commands keys, conversations and db, on SQLite and Postgres."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import truepenny
from bot.store.config import StoreConfig
from bot.store.store import Store, open_store
from tests.bot.store.helpers import finish, receive


@pytest.fixture
def at(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TRUEPENNY_STORE_URL", url)
    return url


def run(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(truepenny.app, list(words))
    assert done.exit_code == code, done.output
    return done


def told(*words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*words, "--json").stdout.splitlines()]


@pytest.mark.usefixtures("at")
def test_a_keys_life(store: Store) -> None:
    made = run("keys", "create", "desk", "--scope", "chat", "--expires-in", "90d")
    key = made.stdout.strip()
    assert "shown once" in made.stderr
    found = store.keys.find(key)
    assert found
    (listed,) = told("keys", "list")
    assert (listed["id"], listed["scopes"], listed["usable"]) == (found.id, ["chat"], True)
    assert key not in json.dumps(listed)
    assert found.id in run("keys", "list").stdout
    run("keys", "revoke", found.id)
    assert store.keys.find(key) is None
    assert "keys list" in run("keys", "revoke", found.id, code=1).stderr
    acts = [entry["act"] for entry in told("db", "audit")]
    assert acts == ["key.revoke", "key.create"]


@pytest.mark.usefixtures("at")
def test_conversations_are_listed_exported_erased_and_purged(store: Store) -> None:
    for n in range(3):
        finish(store, receive(store, "How long?", conversation_id=f"c{n}", user_id=f"u{n}"))
    assert [row["id"] for row in told("conversations", "list", "--user", "u1")] == ["c1"]
    assert told("conversations", "export", "c1")[0]["messages"][0]["text"] == "How long?"
    assert json.loads(run("conversations", "export", "c1").stdout)["conversation_id"] == "c1"
    run("conversations", "export", "c9", code=1)
    assert told("conversations", "erase", "c0") == [{"erased": 1}]
    assert told("conversations", "erase", "--user", "u1") == [{"erased": 1}]
    run("conversations", "erase", "c0", code=1)
    assert told("conversations", "purge", "--older-than", "1d") == [{"erased": 0}]
    assert told("conversations", "purge", "--older-than", "0m") == [{"erased": 1}]
    assert run("conversations", "list").stderr == "There is nothing yet.\n"
    audit = told("db", "audit")
    assert len(audit) == 6
    assert "u1" not in {entry["subject"] for entry in audit}
    assert "How long" not in json.dumps(audit)


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "create", "desk"),
        ("keys", "create", "desk", "--scope", "everything"),
        ("keys", "create", "desk", "--scope", "chat", "--expires-in", "soon"),
        ("conversations", "purge"),
        ("conversations", "purge", "--older-than", "-1d"),
        ("conversations", "erase"),
        ("conversations", "erase", "c1", "--user", "u1"),
    ],
)
def test_wrong_use_is_told(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words, code=2).stderr


def test_the_tables_are_made_when_told(at: str, postgres_url: str) -> None:
    if at == postgres_url:
        assert "truepenny db upgrade" in run("keys", "list", code=1).stderr
    assert told("db", "upgrade") == [{"revision": "0001"}]
    run("keys", "list")
    open_store(StoreConfig(url=at)).close()


def test_the_command_loads_no_database_library() -> None:
    code = (
        "import sys, truepenny, bot.service.app; print({'sqlalchemy', 'alembic'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.usefixtures("at")
def test_a_conversation_is_given_back(store: Store) -> None:
    finish(store, receive(store))
    store.handovers.to_person("c1")
    assert told("conversations", "give-back", "c1") == [{"conversation_id": "c1", "mode": "bot"}]
    state = store.conversations.state("c1")
    assert state
    assert state.mode == "bot"
    (act,) = told("db", "audit")
    assert (act["act"], act["subject"], act["details"]) == (
        "conversation.mode", "c1", {"mode": "bot"},
    )  # fmt: skip
    assert "conversations list" in run("conversations", "give-back", "c9", code=1).stderr
    held = run("conversations", "give-back", "chatwoot:1:7", code=1)
    assert "give it back there" in held.stderr
