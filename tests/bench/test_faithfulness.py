"""The file of short answers, and that online and offline verdicts on it are the same."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.faithfulness import main, rows
from bench.online_offline import differences
from evaluation.inputs import answer
from guards.guard import STRICT, Guard
from guards.verifier import Verifier
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS


def test_the_file_is_the_same_every_time_and_can_be_read(tmp_path: Path) -> None:
    main(["--rows", "30", "--out", str(tmp_path / "a.jsonl")])
    made = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert made == list(rows(30))
    read = [answer(row, "a", {}) for row in made]
    assert len({given.text for given in read}) == 30
    assert all(len({key for key, _ in given.passages}) == 3 for given in read)


def test_online_and_offline_agree(tiny_verifier: Path) -> None:
    def guard() -> Guard:
        return Guard(Verifier(tiny_verifier, threads=1), replace(STRICT, support=0.5))

    found = differences(list(rows(40)), guard(), guard())
    assert (found["replies"], found["differing"], found["quotes"]) == (40, [], True)
    assert found["verdicts"] >= 40
    assert found["largest_difference"] < 1e-5


@pytest.mark.slow
def test_online_and_offline_agree_with_the_shipped_verifier() -> None:
    from evaluation.cli_shared import load_guard

    found = differences(list(rows(500)), load_guard(None), load_guard(None))
    assert (found["replies"], found["differing"], found["quotes"]) == (500, [], True)
    assert found["largest_difference"] < 1e-6
