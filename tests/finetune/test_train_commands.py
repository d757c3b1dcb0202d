"""`truepenny train ...`: what each command reads, prints, writes and refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes import FakeEmbedder
from tests.finetune import tiny_families
from tests.finetune.dataset.test_build import THINGS, articles, judge
from tests.models import tiny_bert
from truepenny import app

pytestmark = tiny_bert.PEFT_WARNS
TOML = """
[models]
generator = "{writer}"
embedder = "{reader}"
threads = 1
[finetune]
rank = 4
epochs = 1
batch_tokens = 4096
passages = 1
augment = 0.0
held_out = 0.3
precision = "fp32"
learning_rate = 1e-3
forgetting_limit = 1e9
"""


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {
        "writer": tiny_families.folder(folder / "writer"),
        "reader": tiny_families.folder(folder / "reader", "bert", "AutoModel"),
    }


@pytest.fixture(autouse=True)
def _here(bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("truepenny.toml").write_text(TOML.format(**bases))
    Path("help").mkdir()
    for article in articles():
        Path(f"help/{article.id}.md").write_text(f"# {article.title}\n\n{article.text}\n")
    rows = [
        {"question": f"How long can I return {thing}?", "article": thing,
         "answer": f"You can send {thing} back within {30 + n} days."}
        for n, thing in enumerate(THINGS)
    ]  # fmt: skip
    Path("faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("finetune.cli_shared.judge_of", lambda _: judge)
    monkeypatch.setattr("retrieval.embedder.load_embedder", lambda _: FakeEmbedder())


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["train", *args])


def summary(done: Result) -> dict[str, Any]:
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


DATA = ("--articles", "help", "--qa", "faq.jsonl")


@pytest.mark.parametrize(
    "command",
    ["generator", "preference", "rewriter", "embedder", "intents", "encoder", "export"],
)
def test_help_shows_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"truepenny train {command}" in " ".join(done.output.split())


@pytest.mark.parametrize("command", ["generator", "embedder"])
def test_a_dry_run_prints_the_card_and_trains_nothing(command: str) -> None:
    done = run(command, *DATA, "--out", "out", "--dry-run", "--json")
    assert done.exit_code == 0
    card = summary(done)
    assert card["train"]["examples"] == 7
    assert card["held_out"]["examples"] == 3
    assert "# Data card" in done.stderr
    assert not Path("out").exists()


def test_the_generator_is_trained_then_exported() -> None:
    done = run("generator", *DATA, "--out", "out", "--json")
    assert done.exit_code == 0, done.stderr
    found = summary(done)
    assert found["settings"]["method"] == "lora"
    assert found["data"]["sources"] == ["help", "faq.jsonl"]
    assert "passed: held-out loss falls by" in done.stderr
    assert Path("out/adapter_model.safetensors").is_file()
    done = run("export", "out", "--out", "merged", "--json")
    assert done.exit_code == 0, done.stderr
    assert Path("merged/model.safetensors").is_file()
    assert run("export", "out", "--out", "merged").exit_code == 2


def test_promote_asks_the_gate_once_the_run_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def promote(folder: Path, questions: Path, _config: Path | None) -> bool:
        asked.append((folder.name, questions.name))
        return folder.name == "good"

    monkeypatch.setattr("evaluation.cli_adapters.promote_trained", promote)
    args = ("generator", *DATA, "--promote", "dev.jsonl", "--out")
    assert [run(*args, name).exit_code for name in ("good", "bad")] == [0, 1]
    text = Path("truepenny.toml").read_text().replace("1e-3", "1e-12")
    Path("truepenny.toml").write_text(text)
    assert run(*args, "failed").exit_code == 1
    assert asked == [("good", "dev.jsonl"), ("bad", "dev.jsonl")]


def test_the_rewriter() -> None:
    rows = [
        {"history": [f"Do you sell {thing}?", "Yes."], "question": "What do they cost?",
         "rewrite": f"What do {thing} cost?", "dialog": thing}
        for thing in THINGS
    ]  # fmt: skip
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("rewriter", "--rows", "rows.jsonl", "--out", "out", "--json")
    assert done.exit_code == 0, done.stderr
    assert summary(done)["data"]["train"]["rewrites"] == 7
    assert Path("out/report.html").is_file()


def test_the_method_of_the_command_line_wins() -> None:
    done = run("embedder", *DATA, "--out", "out", "--method", "bottleneck", "--json")
    assert summary(done)["settings"]["method"] == "bottleneck"
    assert not Path("out/merged").exists()


def test_a_failed_check_is_exit_1() -> None:
    text = Path("truepenny.toml").read_text().replace("1e-3", "1e-12")
    Path("truepenny.toml").write_text(text)
    done = run("generator", *DATA, "--out", "out")
    assert done.exit_code == 1
    assert "FAILED: held-out loss falls by 0.0" in done.stderr


def test_intents_and_encoder() -> None:
    rows = [f"{word} {n},{word}" for word in ("refund", "pay") for n in range(6)]
    Path("rows.csv").write_text("\n".join(["text,label", *rows]))
    done = run("intents", "--rows", "rows.csv", "--out", "intents", "--json")
    assert summary(done)["task"] == "intents"
    assert Path("intents/labels.json").is_file()
    done = run("encoder", "--articles", "help", "--out", "encoder", "--json")
    assert summary(done)["data"]["articles"] == len(THINGS)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("generator", "--out", "out"), 2, "nothing to train on; give --articles, --qa or"),
        (("encoder", "--out", "out"), 2, "no help centre given"),
        (("generator", *DATA, "--out", "out", "--method", "magic"), 2, "magic"),
        (("generator", "--qa", "none.jsonl", "--out", "out"), 1, "can't be read as UTF-8"),
        (("export", "help", "--out", "merged"), 1, "holds no adapter"),
    ],
)
def test_wrong_use_is_explained(args: tuple[str, ...], code: int, said: str) -> None:
    done = run(*args)
    assert done.exit_code == code
    assert said in " ".join(done.stderr.split())
    assert not done.stdout


def test_an_unknown_key_names_the_nearest_right_one() -> None:
    Path("truepenny.toml").write_text("[finetune]\nranks = 4\n")
    done = run("generator", *DATA, "--out", "out")
    assert done.exit_code == 2
    assert "[finetune] unknown key 'ranks'; did you mean 'rank'?" in done.stderr
