"""The rewriter's bench, on conversations whose answers are known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import rewriting
from finetune.rewrites import Rewrite, read_rewrites
from tests.evaluation.fakes import WordEmbedder
from tests.finetune.test_rewriter import THINGS, written


def conversations() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for n, thing in enumerate(
        (*THINGS, "mugs", "maps", "tarps", "gloves", "hats", "belts", "bags")
    ):
        first, second = f"Do you sell {thing}?", "What do they cost?"
        found += [
            {"history": [], "question": first, "rewrite": first, "dialog": thing},
            {"history": [first, f"Yes, {thing} are sold."], "question": second,
             "rewrite": f"What do {thing} cost?", "dialog": thing},
            {"history": [first, f"Yes, {thing} are sold.", second, f"{thing} cost {n} euros."],
             "question": "Why?", "rewrite": f"Why do {thing} cost so much?", "dialog": thing},
        ]  # fmt: skip
    return found


@pytest.fixture
def rewrites(tmp_path: Path) -> list[Rewrite]:
    return read_rewrites(written(tmp_path / "rows.jsonl", conversations()))


def test_an_answer_is_found_in_the_next_question_s_history(rewrites: list[Rewrite]) -> None:
    found = rewriting.documents(rewrites)
    assert found.texts[found.own[0] or 0] == "boots cost 0 euros."
    assert found.own[1] is None  # the last question's answer is nowhere
    assert len(found.texts) == 2 * 13


def test_the_better_way_finds_more(rewrites: list[Rewrite]) -> None:
    ways = {"as asked": lambda item: item.question, "word rules": rewriting.by_rules}
    found = rewriting.measure(rewrites, ways, WordEmbedder().embed)
    assert found["person"]["token_f1"] == found["person"]["shared"] == 1.0
    assert found["person"]["recall"] == found["person"]["of_person"] == 1.0
    assert found["as asked"]["recall"] < found["word rules"]["recall"]
    assert found["as asked"]["shared"] < found["word rules"]["shared"] < 1
    lines = rewriting.table(found).splitlines()
    assert lines[-1].startswith("| person | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 |")


def test_without_answers_the_persons_questions_are_searched(tmp_path: Path) -> None:
    given = [
        {"history": ["What is a lamp?"], "question": "Is it hot?", "rewrite": "Is a lamp hot?"},
        {"history": ["What is a rope?"], "question": "Is it hot?", "rewrite": "Is a rope hot?"},
    ]
    read = read_rewrites(written(tmp_path / "rows.jsonl", given))
    found = rewriting.measure(read, {}, WordEmbedder().embed)
    assert found["person"]["recall"] is None
    assert "| – | – |" in rewriting.table(found)


def test_an_empty_rewrite_is_the_question(rewrites: list[Rewrite]) -> None:
    said = iter(["", " What do\nboots cost? "])
    generator = SimpleNamespace(invoke=lambda _: SimpleNamespace(text=next(said)))
    say = rewriting.by_model(generator)
    assert [say(rewrites[0]) for _ in range(2)] == ["What do they cost?", "What do boots cost?"]
