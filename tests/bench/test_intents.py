"""The intents' bench, on messages of invented words."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from bench import intents
from tests.fakes import FakeEmbedder

WORDS = {
    "refund": ("money", "back", "refund", "pay"),
    "parcel": ("parcel", "late", "arrive", "post"),
    "repair": ("zip", "broken", "mend", "seam"),
}
ELSEWHERE = ("moon", "opera", "goldfish", "piano", "volcano", "chess")


def messages(label: str, count: int) -> list[tuple[str, str]]:
    words = WORDS[label]
    return [(f"{words[n % 4]} {words[(n + 1) % 4]} number{n}", label) for n in range(count)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = {part: [r for name in WORDS for r in messages(name, 8)] for part in ("train", "test")}
    outside = [(f"{a} {b}", "oos") for a in ELSEWHERE for b in ELSEWHERE if a < b]
    clinc = {**rows, "val": rows["test"], "oos_val": outside[::2], "oos_test": outside[1::2]}
    (tmp_path / "clinc150").mkdir()
    (tmp_path / "clinc150/data_full.json").write_text(json.dumps(clinc), encoding="utf-8")
    (tmp_path / "banking77").mkdir()
    for part, own in rows.items():
        path = tmp_path / f"banking77/{part}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "category"), *own])
    return tmp_path


def read(data: Path) -> dict[str, intents.Labelled]:
    rows = intents.read_clinc(data / "clinc150/data_full.json")
    return {part: intents.embedded(own, FakeEmbedder(), None) for part, own in rows.items()}


def test_every_method_keeps_the_outside_out(data: Path) -> None:
    parts = read(data)
    found = intents.measure(parts, shots=6, seeds=(0, 1))
    for name in intents.METHODS:
        for figures in found[name, "left out"]:
            assert figures["inside"] > 0.8, name
            assert figures["auc"] > 0.9, name
    assert all(f["outside"] > 0.9 for f in found["the bot's", "dev"])
    assert all(f["outside"] > 0.8 for f in found["triggers", "of each flow"])
    lines = intents.table("clinc150", found, parts["test"])
    assert len(lines) == 2 * len(intents.METHODS) + 1
    assert lines[-1][3] == "–"  # triggers have no other threshold than their own


def test_without_an_outside_nothing_is_refused(data: Path) -> None:
    rows = intents.read_banking(data / "banking77")
    parts = {part: intents.embedded(own, FakeEmbedder(), None) for part, own in rows.items()}
    (figures,) = intents.measure(parts, shots=6, seeds=(0,))["the bot's", "none"]
    assert figures["inside"] == figures["plain"] == 1.0
    assert math.isnan(figures["outside"])


def test_examples_are_drawn_by_seed_from_each_intent(data: Path) -> None:
    train = read(data)["train"]
    first = intents.drawn(train, 3, 0)
    assert first == intents.drawn(train, 3, 0) != intents.drawn(train, 3, 1)
    assert list(first) == sorted(WORDS)
    assert all(train.labels[at] == label for label, own in first.items() for at in own)


def test_the_threshold_on_dev_is_the_highest_that_keeps_the_aim() -> None:
    n = 1000
    labels = ("a",) * n + (None,)
    dev = intents.Labelled(texts=("",) * (n + 1), rows=None, labels=labels)
    best = np.arange(n + 1) / n
    right = np.array([True] * n + [False])
    least = intents.on_dev(dev, best, right)
    assert (best[:n] >= least).mean() == pytest.approx(0.89, abs=0.002)
    none = intents.on_dev(dev, best, np.zeros(n + 1, dtype=bool))
    assert none == best.min()


def test_vectors_are_kept_in_the_order_of_the_rows(data: Path, tmp_path: Path) -> None:
    rows = intents.read_clinc(data / "clinc150/data_full.json")["test"]
    cache = tmp_path / "kept/test.npy"
    made = intents.embedded(rows, FakeEmbedder(), cache)
    assert made.rows == pytest.approx(FakeEmbedder().embed(made.texts))
    again = intents.embedded(rows, FakeEmbedder(fails=RuntimeError("no session")), cache)
    assert again.rows == pytest.approx(made.rows)


def test_a_message_is_timed(data: Path) -> None:
    assert intents.speed(read(data), 3, FakeEmbedder())["n"] == 24 + 7
