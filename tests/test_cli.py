"""The command line: help, exit codes, and JSON alone on stdout."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from guards.guard import Guard
from tests.bot.pipeline import QUESTION, QUOTE, THRESHOLDS, pipeline
from tests.fakes import FakeEmbedder, FakeVerifier
from truepenny import app

COMMANDS = ("index", "ask", "chat", "serve", "check")


def run(*args: Any, given: str = "") -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args], input=given)


def rows(done: Result) -> list[dict[str, Any]]:
    """Stdout, which must be one JSON object a line."""
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(isinstance(row, dict) for row in found)
    return found


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    guard = Guard(FakeVerifier(), THRESHOLDS)  # type: ignore[arg-type]
    monkeypatch.setattr("bot.parts.load_guard", lambda *_: guard)
    monkeypatch.setattr("guards.guard.load_guard", lambda *_: guard)
    monkeypatch.setattr("bot.parts.load_embedder", lambda _: FakeEmbedder())
    monkeypatch.setattr("retrieval.embedder.load_embedder", lambda _: FakeEmbedder())
    monkeypatch.setattr("bot.parts._generator", lambda *_: None)


@pytest.fixture
def _pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.parts.load", lambda *_: pipeline())


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    folder.mkdir()
    (folder / "returns.md").write_text(f"# Returns\n\n{QUOTE} Opened soap is never refunded.\n")
    (folder / "delivery.md").write_text("# Delivery\n\nStandard delivery costs €4.95.\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"truepenny {command}" in " ".join(done.output.split())
    assert "Example" in done.output


@pytest.mark.parametrize("room", ["models", "eval", "train"])
def test_the_rooms_have_commands(room: str) -> None:
    assert run(room, "--help").exit_code == 0


def test_without_a_command_it_shows_help() -> None:
    done = run()
    assert done.exit_code == 2
    assert all(command in done.output for command in COMMANDS)


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_wrong_use(question: str) -> None:
    done = run("ask", question)
    assert done.exit_code == 2
    assert "empty" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", [["ask", QUESTION], ["chat"]])
def test_a_missing_index_says_how_to_make_one(command: list[str], tmp_path: Path) -> None:
    done = run(*command, "--index", tmp_path / "none", "--json")
    assert done.exit_code == 1
    assert "no index in" in done.stderr
    assert "truepenny index" in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[retrieval]\ntop_kk = 3\n", ["top_kk", "top_k"]),
        ("[retreival]\ntop_k = 3\n", ["retreival", "retrieval"]),
        ("[retrieval]\ntop_k = 'many'\n", ["top_k", "many"]),
        ("[retrieval\n", ["TOML"]),
        ("retrieval = 3\n", ["retrieval", "table"]),
    ],
)
@pytest.mark.parametrize("command", [["ask", QUESTION], ["index", "help"]])
def test_a_wrong_configuration_is_wrong_use(
    sources: Path, tmp_path: Path, command: list[str], text: str, words: list[str]
) -> None:
    config = tmp_path / "my.toml"
    config.write_text(text)
    done = run(*command, "--config", config)
    assert done.exit_code == 2
    assert all(word in done.stderr for word in words), done.stderr
    assert done.stdout == ""


def test_a_missing_configuration_is_wrong_use(tmp_path: Path) -> None:
    done = run("ask", QUESTION, "--config", tmp_path / "none.toml")
    assert done.exit_code == 2
    assert "none.toml" in done.stderr


def test_index_then_ask(sources: Path, tmp_path: Path) -> None:
    done = run("index", sources, "--out", tmp_path / "index", "--json")
    assert done.exit_code == 0, done.stderr
    [built] = rows(done)
    assert (built["articles"], built["passages"], built["added"]) == (2, 2, 2)
    assert built["skipped"] == []
    done = run("ask", QUESTION, "--index", tmp_path / "index", "--json")
    assert done.exit_code == 0, done.stderr
    [reply] = rows(done)
    assert reply["action"] == "answer"
    assert QUOTE in reply["text"]


def test_index_reports_what_it_skips_and_what_is_not_there(sources: Path, tmp_path: Path) -> None:
    (sources / "bad.pdf").write_bytes(b"no pdf")
    done = run("index", sources, "--out", tmp_path / "index", "--json")
    assert [Path(item["source"]).name for item in rows(done)[0]["skipped"]] == ["bad.pdf"]
    assert "bad.pdf" in done.stderr
    done = run("index", tmp_path / "nowhere", "--out", tmp_path / "index")
    assert done.exit_code == 1
    assert "nowhere" in done.stderr


def test_index_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = run("index", tmp_path / "none", "--out", tmp_path / "index")
    assert done.exit_code == 1
    assert "Error:" in done.stderr


@pytest.mark.usefixtures("_pipeline")
def test_ask_for_people() -> None:
    done = run("ask", QUESTION)
    assert done.exit_code == 0
    assert QUOTE in " ".join(done.stdout.split())
    assert "[1]" in done.stdout
    done = run("ask", "Who painted the ceiling of the chapel?")
    assert "declined" in done.stdout


@pytest.mark.usefixtures("_pipeline")
def test_chat_gives_a_line_a_turn_and_ends() -> None:
    done = run("chat", "--json", given=f"{QUESTION}\nAnd for soap?\n\nnever read\n")
    assert done.exit_code == 0
    found = rows(done)
    assert [row["action"] for row in found] == ["answer", "answer"]
    assert found[0]["conversation_id"] == found[1]["conversation_id"]
    assert run("chat", "--json").stdout == ""


def check(tmp_path: Path, *lines: Any) -> Result:
    path = tmp_path / "rows.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text, encoding="utf-8")
    return run("check", "--input", path, "--json")


def test_check_scores_rows(tmp_path: Path) -> None:
    done = check(
        tmp_path,
        {"id": 7, "evidence": [QUOTE, "Soap is out."], "claim": QUOTE, "question": QUESTION},
        {"evidence": QUOTE, "answer": "It takes 99 days."},
        "",
        {"evidence": [], "claim": "Soap is never refunded."},
    )
    assert done.exit_code == 0, done.stderr
    found = rows(done)
    assert [row["status"] for row in found] == ["supported", "unsupported", "unchecked"]
    assert found[0]["id"] == 7
    assert found[0]["verdicts"][0]["quote"] == QUOTE
    assert "1 supported" in done.stderr


@pytest.mark.parametrize(
    "bad",
    [
        "no json", "[]", "3", "null", {"claim": "No evidence."}, {"evidence": "No claim."},
        {"evidence": QUOTE, "claim": ""}, {"evidence": QUOTE, "claim": 3},
        {"evidence": [1], "claim": "Soap."}, {"evidence": {"a": 1}, "claim": "Soap."},
    ],
    ids=str,
)  # fmt: skip
def test_check_goes_on_past_a_bad_row_and_fails(tmp_path: Path, bad: Any) -> None:
    done = check(tmp_path, bad, {"evidence": QUOTE, "claim": QUOTE})
    assert done.exit_code == 1
    first, second = rows(done)
    assert (first["status"], first["verdicts"]) == ("unchecked", [])
    assert first["error"]
    assert second["status"] == "supported"
    assert "row 1" in done.stderr


def test_check_reads_stdin_and_says_what_it_cannot_read(tmp_path: Path) -> None:
    row = json.dumps({"evidence": QUOTE, "claim": QUOTE})
    assert rows(run("check", "--input", "-", "--json", given=row))[0]["status"] == "supported"
    done = run("check", "--input", tmp_path / "none.jsonl")
    assert done.exit_code == 2
    assert "none.jsonl" in re.sub(r"[\s│]", "", done.stderr)  # a long path is wrapped in the box
    assert "no rows" in check(tmp_path).stderr
