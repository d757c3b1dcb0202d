"""Whole trainings on tiny models: what each task learns, measures, judges and leaves behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.config import FinetuneConfig
from finetune.errors import DataError, MethodError, TrainingError
from finetune.general import halves, read_general
from models.merging import weights_digest
from tests.finetune.dataset.test_build import articles
from tests.finetune.dataset.test_build import made as dataset
from tests.finetune.tiny_families import CACHE_WARNS, folder
from tests.models import tiny_bert

pytestmark = [*tiny_bert.PEFT_WARNS, CACHE_WARNS]
GENERAL = [("What is red?", "A colour."), ("What is two?", "A number."), ("Who?", "Nobody."),
           ("Where?", "Nowhere at all.")]  # fmt: skip
QUICK = {
    "rank": 4, "epochs": 1, "batch_tokens": 4096, "precision": "fp32", "evaluate_every": 4,
    "checkpoint_every": 4, "forgetting_limit": 1e9, "overfit_limit": 1e9, "held_out": 0.3,
}  # fmt: skip


def config(**changes: Any) -> FinetuneConfig:
    return FinetuneConfig(**{**QUICK, **changes})


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("bases") / "tiny-llama")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("bases") / "tiny-bert", "bert", "AutoModel")


def generator(base: Path, out: Path, **changes: Any) -> Any:
    from finetune.generator import task

    settings = config(**{"passages": 1, "augment": 0.0, **changes})
    data = dataset(passages=1, augment=0.0)
    return task(base, data, ["faq.csv"], GENERAL, settings, out, lambda *_: None)


def embedder(base: Path, out: Path, **changes: Any) -> Any:
    from finetune.embedder import task

    return task(base, dataset(), ["faq.csv"], GENERAL, config(**changes), out, lambda *_: None)


def test_the_generator_leaves_an_adapter_a_summary_and_a_card(writer: Path, tmp_path: Path) -> None:
    from finetune.run import execute

    summary = execute(generator(writer, tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "summary.json", "README.md",
        "metrics.jsonl", "speed.jsonl", "report.html",
    }  # fmt: skip
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert summary["passed"] is True
    assert summary["after"]["held_loss"] < summary["before"]["held_loss"]
    assert summary["before"]["general_loss"] > 0
    assert summary["base"] == {"name": "tiny-llama", "digest": weights_digest(writer)}
    assert 0 < summary["trainable"] < summary["parameters"]
    assert summary["data"]["train"]["examples"] == 7
    adapter = json.loads((tmp_path / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == "tiny-llama"  # and no path of this machine
    card = (tmp_path / "README.md").read_text()
    assert "| held-out loss falls by |" in card
    assert "faq.csv" in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize("method", ["bottleneck", "prefix", "prompt", "full"])
def test_every_method_trains_the_generator(method: str, writer: Path, tmp_path: Path) -> None:
    from finetune.run import execute

    summary = execute(generator(writer, tmp_path, method=method, bottleneck=8, virtual_tokens=4))
    assert summary["after"]["held_loss"] < summary["before"]["held_loss"]
    saved = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    assert (tmp_path / saved).is_file()


@pytest.mark.parametrize(
    ("held", "train", "general", "failed"),
    [
        (1.0, 0.9, 3.02, []),
        (2.0, 1.9, 3.0, ["held-out loss falls by"]),
        (1.0, 0.4, 3.0, ["held-out less training loss"]),
        (1.0, 0.9, 3.04, ["relative rise of general perplexity"]),  # expm1(0.04) = 4.1 %
        (2.1, 0.1, 4.0, ["held-out loss falls by", "held-out less training loss",
                         "relative rise of general perplexity"]),
    ],
)  # fmt: skip
def test_each_check_has_its_limit(
    held: float, train: float, general: float, failed: list[str]
) -> None:
    from finetune.run import _checks

    limits = config(forgetting_limit=0.03, overfit_limit=0.5)
    before = {"held_loss": 2.0, "general_loss": 3.0}
    checks = _checks(limits, before, {"held_loss": held, "general_loss": general}, train)
    assert [check["name"] for check in checks if not check["passed"]] == failed
    assert len(_checks(limits, {"held_loss": 2.0}, {"held_loss": held}, train)) == 2


def test_a_run_that_fails_a_check_is_saved_and_says_so(writer: Path, tmp_path: Path) -> None:
    from finetune.run import execute

    summary = execute(generator(writer, tmp_path, learning_rate=1e-12))
    assert summary["passed"] is False
    assert (tmp_path / "adapter_model.safetensors").is_file()
    assert "FAILED" in (tmp_path / "README.md").read_text()


def test_a_killed_run_is_taken_up_unless_its_settings_have_changed(
    writer: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    from finetune.run import execute

    def stop(done: int, steps: int, loss: float) -> None:
        if done == 3:
            raise KeyboardInterrupt

    more = {"checkpoint_every": 1, "batch_tokens": 512}
    job = generator(writer, tmp_path, **more)
    with pytest.raises(KeyboardInterrupt):
        execute(replace(job, run=replace(job.run, on_step=stop)))
    assert (tmp_path / "checkpoint.pt").exists()
    with pytest.raises(TrainingError, match="belongs to another run"):
        execute(generator(writer, tmp_path, seed=1, **more))
    taken: list[int] = []
    again = generator(writer, tmp_path, **more)
    told = replace(again.run, on_step=lambda done, *_: taken.append(done))
    summary = execute(replace(again, run=told))
    assert taken == list(range(3, summary["steps"] + 1))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_kl_is_checked_before_anything_runs(writer: Path, reader: Path, tmp_path: Path) -> None:
    from finetune.run import execute

    for job, said in (
        (generator(writer, tmp_path, kl=1.0), "needs replay above 0"),
        (embedder(reader, tmp_path, kl=1.0, replay=0.5), "for the generator only"),
    ):
        with pytest.raises(TrainingError, match=said):
            execute(job)
    with pytest.raises(MethodError, match="full fine-tuning overwrites"):
        execute(generator(writer, tmp_path, method="full", kl=1.0, replay=0.5))
    assert not list(tmp_path.iterdir())


def test_the_embedder_learns_and_its_merged_folder_embeds_the_same(
    reader: Path, tmp_path: Path
) -> None:
    from finetune import bases, methods
    from finetune.embedder import vectors
    from finetune.run import execute

    job = embedder(reader, tmp_path, epochs=3, learning_rate=3e-3)
    summary = execute(job)
    assert summary["after"]["held_loss"] < summary["before"]["held_loss"]
    assert 0 <= summary["after"]["recall_at_1"] <= summary["after"]["mrr"] <= 1
    rows = [item.query for item in job.run.held]
    base, tokenizer = bases.encoder(reader)
    adapted = methods.load(base, tmp_path)
    merged, _ = bases.encoder(tmp_path / "merged")
    wanted = vectors(adapted, rows, tokenizer.pad_token_id)
    assert vectors(merged, rows, tokenizer.pad_token_id) == pytest.approx(wanted, abs=1e-4)
    plain = vectors(bases.encoder(reader)[0], rows, tokenizer.pad_token_id)
    assert abs(wanted - plain).max() > 1e-3


def test_the_embedder_never_learns_from_held_out_passages(reader: Path, tmp_path: Path) -> None:
    run = embedder(reader, tmp_path, negatives=3).run
    sides = [
        {tuple(ids) for t in side for _, ids in (t.positive, *t.negatives)}
        for side in (run.train, run.held)
    ]
    assert not sides[0] & sides[1]
    assert all(t.positive[0] not in {key for key, _ in t.negatives} for t in run.train)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_intents_are_learnt_saved_and_loaded(method: str, reader: Path, tmp_path: Path) -> None:
    import torch

    from finetune.intents import load, read_intents, task
    from finetune.run import execute

    rows = [{"text": f"{word} {n}", "category": word} for word in ("refund", "pay") for n in
            range(12)]  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = config(method=method, epochs=12, batch_tokens=256, learning_rate=1e-2)
    job = task(reader, read_intents(file), ["x"], settings, tmp_path / "out", lambda *_: None)
    summary = execute(job)
    assert summary["after"]["accuracy"] == 1.0
    classifier, tokenizer, labels = load(reader, tmp_path / "out")
    ids = torch.tensor([tokenizer("refund 99")["input_ids"]])
    with torch.no_grad():
        assert labels[int(classifier(ids, torch.ones_like(ids)).argmax())] == "refund"


def test_bad_intents_are_refused(tmp_path: Path) -> None:
    from finetune.intents import read_intents, stratified
    from finetune.objectives.classification import Labelled

    file = tmp_path / "rows.csv"
    file.write_text("text,intent\na,b\n")
    with pytest.raises(DataError, match="names 1 intents"):
        read_intents(file)
    file.write_text("text,thing\na,b\n")
    with pytest.raises(DataError, match=r"rows\.csv:2: expected `text` and `intent`"):
        read_intents(file)
    with pytest.raises(DataError, match="has one text"):
        stratified([Labelled([1], 0), Labelled([1], 0), Labelled([2], 1)], 0.1, 0)


def test_the_encoder_learns_the_words_of_the_articles(reader: Path, tmp_path: Path) -> None:
    from finetune import bases, methods
    from finetune.encoder import task
    from finetune.run import execute

    job = task(
        reader, articles(), ["help"], GENERAL,
        config(epochs=3, batch_tokens=512, learning_rate=3e-3), tmp_path, lambda *_: None,
    )  # fmt: skip
    summary = execute(job)
    assert summary["after"]["held_loss"] < summary["before"]["held_loss"]
    methods.load(bases.masked(reader)[0], tmp_path)
    with pytest.raises(DataError, match="hold no text"):
        task(reader, [], [], GENERAL, config(), tmp_path, lambda *_: None)


def test_a_base_of_the_wrong_kind_is_refused(tmp_path: Path, writer: Path) -> None:
    from finetune import bases

    with pytest.raises(MethodError, match="AutoModelForMaskedLM"):
        bases.masked(writer)
    with pytest.raises(MethodError, match="can't be trained for this"):
        bases.causal(tmp_path)


def test_roberta_positions_and_a_missing_padding_token(tmp_path: Path) -> None:
    from finetune import bases
    from tests.finetune.tiny_families import build, tokenizer

    assert bases.context(build("roberta")) == 640 - 1
    assert bases.context(build("xlnet")) == 2048
    bare = tokenizer()
    bare.pad_token = None
    bare.save_pretrained(tmp_path)
    assert bases.tokenizer(tmp_path).pad_token == "<|im_end|>"


def test_what_is_replayed_is_not_measured() -> None:
    pairs = read_general()
    assert len(pairs) >= 40
    assert halves(pairs, 0.0) == ([], pairs)
    replay, measured = halves(pairs, 0.1)
    assert not set(replay) & set(measured)
    assert sorted(replay + measured) == sorted(pairs)


def test_a_bad_general_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "g.jsonl").write_text('{"question": "a"}\n')
    with pytest.raises(DataError, match=r"g\.jsonl:1: a general row needs"):
        read_general(tmp_path / "g.jsonl")
