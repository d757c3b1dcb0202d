"""`truepenny flows check | list | run`, and the dialogue behind `truepenny chat`."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.dialogue.parts import SECRET, dialogue_config, load_dialogue
from models.errors import ConfigError
from tests.bot.dialogue.shop import FLOWS, dialogue_parts, flows_in
from tests.bot.pipeline import QUESTION, QUOTE, pipeline
from truepenny import app

BROKEN = """
flow = "a"
title = "A"
examples = ["a"]
steps = [{ say = "hi", go = "end" }, { say = "{x}" }]
"""


def run(*args: Any, given: str = "") -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args], input=given)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bot.parts.load", lambda *_: pipeline())


def test_check_is_content_with_the_samples() -> None:
    done = run("flows", "check", FLOWS, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"flows": 4, "actions": 4, "problems": []}


def test_check_fails_with_all_problems(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(BROKEN)
    done = run("flows", "check", tmp_path, "--json")
    assert done.exit_code == 1
    problems = json.loads(done.stdout)["problems"]
    assert [problem["step"] for problem in problems] == ["say_2", "say_2"]
    assert "a say_2: no step leads here" in done.stderr


def test_check_tells_what_cant_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("slot = []")
    done = run("flows", "check", tmp_path)
    assert done.exit_code == 1
    assert "unknown key; did you mean 'slots'?" in done.stderr


def test_check_can_compare_what_examples_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes import FakeEmbedder

    monkeypatch.setattr("retrieval.embedder.load_embedder", lambda _: FakeEmbedder())
    assert run("flows", "check", FLOWS, "--meaning").exit_code == 0


def test_without_flows_it_is_wrong_use() -> None:
    done = run("flows", "check")
    assert done.exit_code == 2
    assert "set [bot] flows" in done.stderr


def test_list_reads_the_configured_flows(tmp_path: Path) -> None:
    (tmp_path / "truepenny.toml").write_text(f'[bot]\nflows = "{FLOWS}"\n')
    rows = [json.loads(line) for line in run("flows", "list", "--json").stdout.splitlines()]
    assert [row["flow"] for row in rows] == [
        "change_address", "cancel_order", "return_item", "track_order",
    ]  # fmt: skip
    assert rows[0]["slots"] == ["order_number", "email", "new_address"]
    assert rows[0]["actions"] == ["find_order", "change_address"]


def test_run_plays_conversations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = dialogue_parts(flows_in(FLOWS / "abcd"))
    monkeypatch.setattr("bot.dialogue.parts.load_dialogue", lambda *_: parts)
    script = FLOWS / "conversations/abcd.toml"
    done = run("flows", "run", script, "--explain", "--json")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 8
    assert "start_flow return_size" in done.stderr
    text = script.read_text().replace('["stays"]', '["leaves"]')
    (tmp_path / "wrong.toml").write_text(text)
    done = run("flows", "run", "wrong.toml")
    assert done.exit_code == 1
    assert "expected 'leaves'" in done.stderr


def test_chat_goes_through_flows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "truepenny.toml").write_text(f'[bot]\nflows = "{FLOWS}"\n')
    monkeypatch.setattr("bot.parts.load", lambda *_: pipeline())
    said = f"where is my order?\n{QUESTION}\nI want to talk to a person\n{QUESTION}\n"
    done = run("chat", "--json", "--explain", given=said)
    assert done.exit_code == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["action"] for row in rows] == ["flow", "answer", "handoff", "answer"]
    assert rows[1]["text"].startswith(QUOTE)
    assert rows[0]["form"]["fields"][0]["name"] == "order_number"
    assert "start_flow track_order" in done.stderr
    assert "trace" not in rows[0]
    done = run("chat", given=f"where is my order?\n{QUESTION}\n")
    assert "What is your order number?" in done.stdout.split(QUOTE)[1]


def test_the_secret_comes_from_the_environment_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "truepenny.toml"
    path.write_text('[bot]\naction_secret = "x"\n')
    with pytest.raises(ConfigError, match=SECRET):
        dialogue_config(path)
    path.write_text(f'[bot]\nflows = "{FLOWS}"\naction_url = "http://o.example"\n')
    monkeypatch.setenv(SECRET, "hidden")
    config = dialogue_config(path)
    assert config.action_secret == "hidden"
    assert "hidden" not in repr(config)
    caller = load_dialogue(path)["dialogue"].caller
    assert (caller.url, caller.secret) == ("http://o.example", "hidden")
