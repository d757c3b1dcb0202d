import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from evaluation.cli import app
from tests.evaluation import fakes

runner = CliRunner()
QUOTE = "You can return most items within 45 days of delivery."
QUESTIONS = (
    {"question": "How long can I return items?", "articles": ["returns"], "facts": [["45 days"]]},
    {"question": "Do you ship to Mars?", "answerable": False},
)
CLAIMS = (
    {"evidence": "Soap is never refunded.", "claim": "Soap is never refunded.", "supported": True},
    {"evidence": "Soap is never refunded.", "claim": "Gloves wash well.", "supported": False},
)


@pytest.fixture(autouse=True)
def _models(monkeypatch, tmp_path) -> None:
    fakes.retriever(tmp_path / "index")
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("guards.guard.load_guard", lambda *_: fakes.guard())
    monkeypatch.setattr("guards.verifier.load_verifier", lambda _: fakes.WordVerifier())
    monkeypatch.setattr("retrieval.embedder.load_embedder", lambda _: fakes.WordEmbedder())
    monkeypatch.setattr("models.encoder.verifier_onnx", lambda _: tmp_path)


@pytest.fixture
def _pipeline(monkeypatch, tmp_path) -> None:
    parts = {
        "retriever": fakes.retriever(tmp_path / "other"), "policy": None,
        "generator": fakes.Generator("It is 45 days."), "guard": fakes.guard(),
    }  # fmt: skip
    monkeypatch.setattr("bot.parts.load", lambda config, index: parts)
    monkeypatch.setattr("bot.answer.answer", lambda *_, **__: fakes.reply(QUOTE))


def write(folder, *rows: object) -> str:
    path = folder / "set.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


@pytest.mark.usefixtures("_pipeline")
def test_answers_beside_naive(tmp_path) -> None:
    given = write(tmp_path, *QUESTIONS)
    call = ["answers", "--questions", given, "--baseline", "naive", "--json", "--out", "o/r.jsonl"]
    done = runner.invoke(app, call)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["metrics"]["right_and_cited"]["value"] == 1.0
    assert result["metrics"]["declined_unanswerable"]["value"] == 0.0
    assert result["baselines"]["naive"]["mcnemar_right"]["n"] == 1
    rows = (tmp_path / "o/r.jsonl").read_text().splitlines()
    assert [json.loads(row)["outcome"] for row in rows] == ["right", "wrong"]


@pytest.mark.usefixtures("_pipeline")
def test_answers_for_people_go_to_stderr(tmp_path) -> None:
    call = ["answers", "--questions", write(tmp_path, *QUESTIONS), "--limit", "1"]
    done = runner.invoke(app, call)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert "right_and_cited" in done.stderr


def test_an_unknown_baseline_is_wrong_use(tmp_path) -> None:
    call = ["answers", "--questions", write(tmp_path, *QUESTIONS), "--baseline", "other"]
    assert runner.invoke(app, call).exit_code == 2


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # of open_index
def test_retrieval_by_variants(tmp_path) -> None:
    given = write(tmp_path, *QUESTIONS)
    call = ["retrieval", "--questions", given, "--index", str(tmp_path / "index")]
    done = runner.invoke(app, [*call, "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["n"], result["skipped"], len(result["variants"])) == (1, 1, 4)
    assert "recall@1" in runner.invoke(app, call).stderr


def test_retrieval_needs_articles(tmp_path) -> None:
    done = runner.invoke(app, ["retrieval", "--questions", write(tmp_path, {"question": "?"})])
    assert done.exit_code == 2
    assert "articles" in done.stderr


def test_guard_takes_several_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    given = write(tmp_path, *CLAIMS)
    other = tmp_path / "more.jsonl"
    other.write_text(json.dumps(CLAIMS[0]))
    done = runner.invoke(app, ["guard", "--input", given, str(other), "--json"])
    assert done.exit_code == 0, done.output
    files = json.loads(done.stdout)["files"]
    assert [found["n"] for found in files.values()] == [2, 1]
    assert "catch rate" in runner.invoke(app, ["guard", "--input", given]).stderr.replace("\n", " ")


def test_calibrate_writes_the_artefact(tmp_path) -> None:
    claims = [
        {"evidence": "Soap is never refunded here.", "claim": "Soap never refunded",
         "supported": True}
    ] * 200  # fmt: skip
    done = runner.invoke(app, ["calibrate", "--input", write(tmp_path, *claims), "--json"])
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "var/thresholds.json").read_text())
    assert json.loads(done.stdout) == written
    assert written["measured"]["support"]["risk"] == 0.02
    assert "var/thresholds.json" in done.stderr


def test_calibrate_fails_where_nothing_can_be_promised(tmp_path) -> None:
    done = runner.invoke(app, ["calibrate", "--input", write(tmp_path, *CLAIMS)])
    assert done.exit_code == 1
    assert "Nothing was written" in done.stderr
    assert not (tmp_path / "var").exists()
    bad = ["calibrate", "--input", write(tmp_path, *CLAIMS), "--risk", "2"]
    assert runner.invoke(app, bad).exit_code == 2


def test_faithfulness_gives_metrics_then_rows(tmp_path) -> None:
    row = {"question": "Soap?", "answer": "Soap is never refunded.",
           "passages": ["Soap is never refunded."]}  # fmt: skip
    done = runner.invoke(app, ["faithfulness", "--input", write(tmp_path, row, row), "--json"])
    assert done.exit_code == 0, done.output
    metrics, *rows = map(json.loads, done.stdout.splitlines())
    assert metrics["sentences"]["supported"]["n"] == len(rows) == 2
    done = runner.invoke(app, ["faithfulness", "--input", write(tmp_path, row, {})])
    assert done.exit_code == 1
    assert "1 of 2 rows" in done.stderr


def test_a_missing_file_is_wrong_use() -> None:
    for command in ("retrieval", "answers"):
        done = runner.invoke(app, [command, "--questions", "none.jsonl"])
        assert (done.exit_code, "none.jsonl" in done.stderr) == (2, True)
    for command in ("guard", "calibrate", "faithfulness"):
        assert runner.invoke(app, [command, "--input", "none.jsonl"]).exit_code == 2


def test_importing_the_commands_loads_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "faiss", "onnxruntime", "langchain_core", "numpy")
    code = f"import sys, evaluation.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=__file__.rsplit("/tests/", 1)[0],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
