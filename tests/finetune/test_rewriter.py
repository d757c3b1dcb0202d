"""The rewriter's data and training."""

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import DataError
from finetune.rewrites import read_rewrites, token_f1
from tests.finetune.test_tasks import GENERAL, config
from tests.finetune.tiny_families import folder
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS
THINGS = ("boots", "tents", "ropes", "lamps", "stoves", "socks")


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for thing in THINGS:
        first = f"Do you sell {thing}?"
        found += [
            {"history": [], "question": first, "rewrite": first, "dialog": thing},
            {"history": [first, "Yes, many."], "question": "What do they cost?",
             "rewrite": f"What do {thing} cost?", "dialog": thing},
        ]  # fmt: skip
    return found


def written(path: Path, given: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    return path


def test_rows_with_a_history_are_read_as_turns(tmp_path: Path) -> None:
    found = read_rewrites(written(tmp_path / "rows.jsonl", rows()))
    assert len(found) == len(THINGS)
    assert [turn.role for turn in found[0].history] == ["user", "assistant"]
    assert (found[0].dialog, found[0].rewrite) == ("boots", "What do boots cost?")


def test_a_file_of_questions_alone_is_told_by_an_odd_history(tmp_path: Path) -> None:
    given = [
        {"history": [], "question": "What is a lamp?", "rewrite": "What is a lamp?"},
        {"history": ["What is a lamp?"], "question": "Is it hot?", "rewrite": "Is a lamp hot?"},
        {"history": ["What is a lamp?", "Is it hot?"], "question": "Why?", "rewrite": "Why hot?"},
        {"history": [], "question": "What is a rope?", "rewrite": "What is a rope?"},
        {"history": ["What is a rope?"], "question": "How long?", "rewrite": "How long is it?"},
    ]
    found = read_rewrites(written(tmp_path / "rows.jsonl", given))
    assert {turn.role for item in found for turn in item.history} == {"user"}
    assert [item.dialog for item in found] == ["rows.jsonl 1", "rows.jsonl 1", "rows.jsonl 2"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"history": ["a"], "question": "b"}, r"rows.jsonl:1: expected `history`"),
        ({"history": "a", "question": "b", "rewrite": "c"}, r"rows.jsonl:1: expected `history`"),
        ({"history": [3], "question": "b", "rewrite": "c"}, r"rows.jsonl:1: a turn is a text"),
        ({"history": [], "question": "b", "rewrite": "b"}, "no row has a history"),
    ],
)
def test_bad_rows_are_explained(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read_rewrites(written(tmp_path / "rows.jsonl", [row]))


def test_token_f1() -> None:
    assert token_f1("What do boots cost?", "what do boots cost") == 1.0
    assert token_f1("What do they cost?", "What do boots cost?") == pytest.approx(0.75)
    assert token_f1("", "What") == 0.0


def test_the_prompt_is_short_and_ends_with_the_question() -> None:
    from bot.prompt import rewriting
    from bot.types import Turn

    long = Turn(role="assistant", text="word " * 200)
    history = [Turn(role="user", text=f"Question {n}?") for n in range(9)]
    *_, human = rewriting("And why?", [*history, long])
    lines = str(human.text).splitlines()
    assert lines[-1] == "And why?"
    assert len(lines) == 5
    assert len(lines[-2].split()) == 20


def test_the_rewriter_learns_and_no_conversation_is_on_both_sides(tmp_path: Path) -> None:
    from finetune.rewriter import task
    from finetune.run import execute

    base = folder(tmp_path / "tiny-llama")
    read = read_rewrites(written(tmp_path / "rows.jsonl", rows()))
    settings = config(epochs=3, learning_rate=1e-2)
    made = task(base, read, ["rows.jsonl"], GENERAL, settings, tmp_path / "out", lambda *_: None)
    summary = execute(made)
    assert summary["after"]["held_loss"] < summary["before"]["held_loss"]
    assert 0 <= summary["after"]["token_f1"] <= 1
    sides = summary["data"]["train"], summary["data"]["held_out"]
    assert sum(side["conversations"] for side in sides) == len(THINGS)
    assert (tmp_path / "out/adapter_model.safetensors").is_file()
