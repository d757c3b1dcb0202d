import json
import threading
import time
from pathlib import Path

import pytest

from evaluation.faithfulness import rows
from evaluation.questions import InputError
from evaluation.runner import Cache, content_key, run
from tests.evaluation.fakes import guard
from tests.evaluation.reading import read

PASSAGES = ["Soap is never refunded.", "Zips are mended while you wait.", "Gloves wash well."]


class Counting:
    """Doubles numbers, slowly at first; counts what it was given."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.lock = threading.Lock()

    def __call__(self, chunk):
        time.sleep(0.01 / (1 + chunk[0]))
        with self.lock:
            self.seen += chunk
        return [{"twice": 2 * n} for n in chunk]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_order_is_the_rows_whatever_the_workers(workers: int) -> None:
    work = Counting()
    found = list(run(range(101), work, workers=workers, chunk=7))
    assert found == [{"twice": 2 * n} for n in range(101)]
    assert sorted(work.seen) == list(range(101))


def test_ten_runs_and_any_number_of_workers_give_the_same_bytes() -> None:
    answers = [f"{PASSAGES[i % 3]} Gloves number {i} wash. [{i % 3 + 1}]" for i in range(70)]
    text = "\n".join(
        json.dumps({"question": "Gloves?", "answer": a, "passages": PASSAGES}) for a in answers
    )
    lines = read("f.jsonl", text)
    checker = guard()

    def once(workers: int) -> str:
        return json.dumps(list(run(lines, lambda part: rows(part, checker), workers=workers)))

    assert len({once(workers) for workers in (1, 1, 1, 1, 2, 2, 2, 4, 4, 4)}) == 1


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep/cache.jsonl"
    first = Counting()
    going = run(range(9), first, str, Cache(path), chunk=2)
    assert [next(going)["twice"] for _ in range(3)] == [0, 2, 4]
    going.close()
    with path.open("a") as lines:
        lines.write('{"key": "4", "res')  # killed while writing
    second = Counting()
    found = list(run(range(9), second, str, Cache(path), chunk=2))
    assert found == [{"twice": 2 * n} for n in range(9)]
    assert second.seen == [4, 5, 6, 7, 8]
    third = Counting()
    assert list(run(range(9), third, str, Cache(path))) == found
    assert third.seen == []


def test_failed_rows_are_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    assert list(run([1], lambda _: [{"error": "no"}], str, Cache(path))) == [{"error": "no"}]
    assert list(run([1], lambda _: [{"fine": 1}], str, Cache(path))) == [{"fine": 1}]


def test_a_key_changes_with_whatever_decides() -> None:
    keys = {content_key("a", {"x": 1}), content_key("b", {"x": 1}), content_key("a", {"x": 2})}
    assert len(keys) == 3
    assert content_key({"x": 1, "y": 2}) == content_key({"y": 2, "x": 1})


def test_an_error_of_the_work_comes_through() -> None:
    def breaks(_):
        raise ValueError("broken")

    for workers in (1, 2):
        with pytest.raises(ValueError, match="broken"):
            list(run([1], breaks, workers=workers))


def test_a_cache_that_is_no_text_is_wrong_use(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="delete it"):
        Cache(path)
