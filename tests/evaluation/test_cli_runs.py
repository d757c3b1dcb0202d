"""The commands that work on runs: compare, report, plan, make-questions; the cache of a run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evaluation.cli import app
from tests.evaluation import fakes

runner = CliRunner()
ROW = {"question": "Soap?", "answer": "Soap is never refunded.",
       "passages": ["Soap is never refunded."]}  # fmt: skip
BAD = {**ROW, "answer": "Gloves wash well."}


@pytest.fixture(autouse=True)
def _models(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("guards.guard.load_guard", lambda *_: fakes.guard())
    monkeypatch.setattr("guards.verifier.load_verifier", lambda _: fakes.WordVerifier())
    monkeypatch.setattr("retrieval.embedder.load_embedder", lambda _: fakes.WordEmbedder())


def scored(tmp_path, name: str, *rows: object) -> str:
    given = tmp_path / f"{name}-given.jsonl"
    given.write_text("\n".join(map(json.dumps, rows)))
    target = str(tmp_path / f"{name}.jsonl")
    call = ["faithfulness", "--input", str(given), "--out", target, "--cache", "cache.jsonl",
            "--workers", "2"]  # fmt: skip
    done = runner.invoke(app, call)
    assert done.exit_code == 0, done.output
    return target


def test_a_gate_stops_what_got_worse(tmp_path) -> None:
    before = scored(tmp_path, "a", *[ROW] * 20)
    now = scored(tmp_path, "b", *[ROW] * 10, *[BAD] * 10)
    gate = tmp_path / "gate.toml"
    gate.write_text("[metrics.answers_supported]\nworse_by = 0.0\n")
    call = ["compare", before, now, "--gate", str(gate)]
    done = runner.invoke(app, [*call, "--json"])
    assert done.exit_code == 1
    (sentence,) = json.loads(done.stdout)["failures"]
    assert "answers_supported got worse: 100.0 % before, 50.0 % now" in sentence
    assert runner.invoke(app, ["compare", before, before, "--gate", str(gate)]).exit_code == 0
    assert runner.invoke(app, ["compare", before, now]).exit_code == 0
    fewer = scored(tmp_path, "c", ROW)
    assert "19 rows are in one run only" in runner.invoke(app, ["compare", before, fewer]).stderr


def test_the_report_is_written(tmp_path) -> None:
    rows = scored(tmp_path, "a", ROW, BAD)
    call = ["report", rows, "--before", rows, "--out", "deep/r.html", "--title", "Soap", "--json"]
    done = runner.invoke(app, call)
    assert done.exit_code == 0, done.output
    assert "<h1>Soap</h1>" in (tmp_path / "deep/r.html").read_text()
    assert json.loads(done.stdout)["rows"] == 2


def test_the_plan_and_wrong_use() -> None:
    done = runner.invoke(app, ["plan", "--json"])
    assert json.loads(done.stdout)["paired"] > 100
    assert "labels" in runner.invoke(app, ["plan"]).stderr
    assert runner.invoke(app, ["plan", "--rate", "2"]).exit_code == 2


def test_what_is_cached_is_not_scored_again(tmp_path, monkeypatch) -> None:
    first = scored(tmp_path, "a", ROW, BAD)
    monkeypatch.setattr("evaluation.faithfulness._result", lambda *_: 1 / 0)
    again = scored(tmp_path, "b", BAD, ROW)  # the rows have moved: the line is the new one's
    one, two = ([json.loads(x) for x in Path(p).read_text().splitlines()] for p in (first, again))
    assert [r["line"] for r in two] == [1, 2]
    assert [{**r, "line": 0} for r in reversed(two)] == [{**r, "line": 0} for r in one]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # of open_index
def test_questions_are_made_and_reviewed(tmp_path) -> None:
    fakes.retriever(tmp_path / "index")
    call = ["make-questions", "--index", "index", "--out", "o/q.jsonl", "--csv", "o/q.csv"]
    done = runner.invoke(app, [*call, "--json"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert 0 < made["kept"] <= made["drafted"]
    again = runner.invoke(app, ["make-questions", "--out", "r.jsonl", "--reviewed", "o/q.csv"])
    assert again.exit_code == 0, again.output
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == made["kept"]
    (tmp_path / "none.csv").write_text((tmp_path / "o/q.csv").read_text().split("\n")[0])
    none = ["make-questions", "--out", "n.jsonl", "--reviewed", "none.csv"]
    assert runner.invoke(app, none).exit_code == 1
    assert runner.invoke(app, [*none[:-1], "missing.csv"]).exit_code == 2


def test_labels_and_scores_are_joined(tmp_path) -> None:
    run = scored(tmp_path, "a", *[ROW] * 6, *[BAD] * 6)
    labels = tmp_path / "labels.jsonl"
    said = [(1, "supported"), (2, "supported"), (7, "unsupported"), (8, "supported")]
    labels.write_text(
        "".join(
            json.dumps({"rater": "ann", "key": f"{n}/1", "label": word}) + "\n" for n, word in said
        )
    )
    call = ["estimate", "--input", run, "--labels", str(labels)]
    found = json.loads(runner.invoke(app, [*call, "--rater", "ann", "--json"]).stdout)
    assert found["labels_alone"]["value"] == 0.75
    assert (found["labelled"], found["scored"]) == (4, 12)
    assert runner.invoke(app, call).exit_code == 0
    assert runner.invoke(app, [*call, "--rater", "bob"]).exit_code != 0
