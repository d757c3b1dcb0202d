import json

import numpy as np
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from evaluation import label as room
from evaluation.cli import app
from evaluation.questions import InputError

ROWS = [
    {"line": 4, "verdicts": [{"claim": "It is 5.", "quote": "It is 5 or 6."}]},
    {"id": "x", "question": "Why?", "verdicts": [{"claim": "So.", "quote": None}]},
    {"line": 6, "error": "no"},
]


def client(tmp_path, rater="ann"):
    page = room.build(room.items(ROWS), tmp_path / "deep/labels.jsonl", rater)
    return TestClient(page, base_url="http://127.0.0.1")


def test_labels_are_kept_a_rater_apart(tmp_path) -> None:
    ann, bob = client(tmp_path), client(tmp_path, "bob")
    assert "<kbd>4</kbd>" in ann.get("/").text
    for label in ("unclear", "supported"):
        assert ann.post("/labels", json={"key": "4/1", "label": label}).status_code == 204
    bob.post("/labels", json={"key": "4/1", "label": "unsupported"})
    given = ann.get("/items").json()
    assert [item["sentence"] for item in given["items"]] == ["It is 5.", "So."]
    assert given["labels"] == {"4/1": "supported"}
    path = tmp_path / "deep/labels.jsonl"
    assert room.agreement(path, "ann", "bob")["disagreements"] == [
        {"key": "4/1", "ann": "supported", "bob": "unsupported"}
    ]
    with pytest.raises(InputError, match="raters are ann, bob"):
        room.agreement(path, "ann", "cleo")


def test_what_is_no_label_is_refused(tmp_path) -> None:
    page = client(tmp_path)
    assert page.post("/labels", json={"key": "9/9", "label": "supported"}).status_code == 404
    assert page.post("/labels", json={"key": "4/1", "label": "maybe"}).status_code == 422
    assert page.get("/items", headers={"host": "evil.example"}).status_code == 400
    with pytest.raises(InputError, match="no sentences"):
        room.items([{"line": 1}])
    path = tmp_path / "l.jsonl"
    path.write_text('{"rater": "ann", "key": "1", "label": "maybe"}')
    with pytest.raises(InputError, match=r"l.jsonl:1: expected rater"):
        room.load(path)


def test_kappa() -> None:
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = room.kappa(first, second)
    assert found["value"] == pytest.approx(0.4)
    assert found["low"] < 0.4 < found["high"]
    assert room.kappa(first, first)["value"] == 1.0
    assert room.kappa(["yes"], ["yes"])["value"] is None
    rng = np.random.default_rng(0)
    chance = room.kappa(*(list(rng.choice(["a", "b"], 400)) for _ in range(2)))
    assert chance["low"] < 0 < chance["high"]


def test_the_command(tmp_path) -> None:
    path = tmp_path / "labels.jsonl"
    rows = [{"rater": r, "key": k, "label": "supported" if k != r else "unclear"}
            for r in "ab" for k in "abc"]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    done = CliRunner().invoke(app, ["agreement", str(path), "a", "b", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kappa"]["n"] == 3
    assert "unclear" in CliRunner().invoke(app, ["agreement", str(path), "a", "b"]).stderr
