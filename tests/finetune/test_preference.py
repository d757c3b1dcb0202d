"""The preference step: the loss, the drafts and their pairs, and a whole training."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from finetune.config import FinetuneConfig
from finetune.errors import DataError, MethodError, TrainingError
from tests.finetune.dataset.test_build import judge
from tests.finetune.dataset.test_build import made as dataset
from tests.finetune.test_objectives import encoded, log_softmax, whole_logits, writer
from tests.finetune.test_tasks import GENERAL, config
from tests.finetune.tiny_families import CACHE_WARNS, folder
from tests.models import tiny_bert

pytestmark = [*tiny_bert.PEFT_WARNS, CACHE_WARNS]
PROMPT = [9, 8, 7, 6]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("bases") / "tiny-llama")


def pairs() -> list[Any]:
    from finetune.objectives.preference import Preference

    answers = (([5, 4, 3], [30, 31]), ([60], [61, 62, 63, 64]))
    return [
        Preference(
            chosen=encoded((PROMPT + good, 4))[0], rejected=encoded((PROMPT + bad, 4))[0],
            margin=margin,
        )
        for (good, bad), margin in zip(answers, (-3.0, 5.0), strict=True)
    ]  # fmt: skip


def dpo(beta: float = 0.5) -> Any:
    from finetune.objectives.preference import DPO

    return DPO(padding=0, beta=beta)


@pytest.mark.parametrize("name", ["llama", "gpt2", "bert", "xlnet"])
def test_dpo_is_the_paper_s(name: str) -> None:
    model, objective = writer(name), dpo()
    batch = objective.collate(pairs(), Random(0))
    expected = 0.0
    for pair in pairs():
        sums = []
        for item in (pair.chosen, pair.rejected):
            chances = log_softmax(whole_logits(model, item.ids))
            sums.append(sum(chances[t - 1, item.ids[t]] for t in range(4, len(item.ids))))
        reward = 0.5 * (sums[0] - sums[1] - pair.margin)
        expected += np.log1p(np.exp(-reward))
    assert float(objective.loss(model, batch).detach()) == pytest.approx(expected, rel=1e-4)
    assert objective.terms(batch) == 2


def test_where_nothing_was_learnt_the_loss_is_log_2() -> None:
    from finetune.objectives.preference import with_margins

    model, objective = writer("llama"), dpo()
    items = with_margins(model, pairs(), objective, config(batch_tokens=64))
    loss = objective.loss(model, objective.collate(items, Random(0)))
    assert float(loss.detach()) == pytest.approx(2 * np.log(2), abs=1e-3)
    assert {round(item.margin, 3) for item in items} & {-3.0, 5.0} == set()


def test_a_pair_is_of_near_lengths_and_none_where_all_are_right() -> None:
    from finetune.drafts import chosen_and_rejected

    example = dataset(passages=1, augment=0.0).train[0]
    drafts = {"a" * 30: True, "b" * 9: True, "c" * 10: False, "d" * 90: False}
    assert chosen_and_rejected(example, drafts) == ("b" * 9, "c" * 10)
    assert chosen_and_rejected(example, {"wrong": False}) == (example.answer, "wrong")
    assert chosen_and_rejected(example, {"right": True}) is None
    assert chosen_and_rejected(example, {}) is None
    assert chosen_and_rejected(example, {example.answer: False}) is None


def test_drafts_are_kept_and_a_cut_off_line_is_made_again(tmp_path: Path) -> None:
    from finetune.drafts import judged

    asked: list[str] = []

    def write(example: Any) -> Sequence[str]:
        asked.append(example.question)
        return [
            example.answer,
            "They are free in spring.",
            "They are free in spring.",
            "What do you mean?",
        ]

    examples, file = dataset(passages=1, augment=0.0).train[:3], tmp_path / "drafts.jsonl"
    first = list(judged(examples, write, judge, file, "model 1"))
    assert [list(told.values()) for told in first] == [
        [True, False]
    ] * 3  # a question states nothing
    text = file.read_text()
    file.write_text(text[:-20])
    assert list(judged(examples, write, judge, file, "model 1")) == first
    assert len(asked) == 4
    assert file.read_text() == text
    list(judged(examples, write, judge, file, "model 2"))
    assert len(asked) == 7  # another model's drafts say nothing of this one's


def test_drafts_are_sampled_and_the_same_again(base: Path) -> None:
    from finetune import bases
    from finetune.drafts import sampler

    model, tokenizer = bases.causal(base)
    one, other = dataset(passages=1, augment=0.0).train[:2]
    first = sampler(model, tokenizer, 3, 1.0, seed=0)(one)
    assert len(set(first)) == 3
    assert sampler(model, tokenizer, 3, 1.0, seed=0)(one) == first
    assert sampler(model, tokenizer, 3, 1.0, seed=1)(one) != first
    assert sampler(model, tokenizer, 3, 1.0, seed=0)(other) != first


def task(base: Path, out: Path, **changes: Any) -> Any:
    from finetune import preference

    more = {k: changes.pop(k) for k in ("start", "write") if k in changes}
    given = {"write": lambda e: [e.answer, f"{e.answer[:-1]} in spring."], "judge": judge, **more}
    settings: FinetuneConfig = config(**{"epochs": 8, "learning_rate": 1e-2, **changes})
    return preference.task(
        base,
        dataset(passages=1, augment=0.0),
        ["faq.csv"],
        GENERAL,
        settings,
        out,
        lambda *_: None,
        **given,
    )


def test_it_learns_to_prefer_what_the_guard_verifies(base: Path, tmp_path: Path) -> None:
    from finetune.run import execute

    summary = execute(task(base, tmp_path / "out"))
    assert summary["before"]["preferred"] == 0.5
    assert summary["before"]["held_loss"] == pytest.approx(np.log(2), abs=1e-3)
    assert summary["after"]["preferred"] == 1.0
    assert summary["after"]["held_loss"] < 0.6
    assert summary["before"]["general_loss"] > 1  # measured as language, not as pairs
    assert summary["data"]["train"] == {"pairs": 7}
    assert summary["data"]["drafts_verified"] == 0.5
    assert (tmp_path / "out/adapter_model.safetensors").is_file()


def test_it_goes_on_from_the_generator_s_adapter(base: Path, tmp_path: Path) -> None:
    from finetune import bases, methods
    from finetune.run import execute
    from models.merging import adapter_folder, merge

    model, _ = bases.causal(base)
    start = tmp_path / "start"
    methods.save(methods.apply(model, config(rank=2), causal=True), start)
    summary = execute(task(base, tmp_path / "out", start=start, method="prompt"))
    assert summary["settings"]["method"] == "lora"
    assert summary["data"]["start"] == "start"
    table = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert table["r"] == 2
    (tmp_path / "merged").mkdir()
    merge(base, adapter_folder(str(tmp_path / "out")), tmp_path / "merged")
    with pytest.raises(MethodError, match="holds no adapter"):
        task(base, tmp_path / "x", start=tmp_path)


def test_without_a_difference_or_with_replay_there_is_nothing_to_train(
    base: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"0 pairs to train on .* raise drafts"):
        task(base, tmp_path, write=lambda e: [e.answer])
    with pytest.raises(TrainingError, match="set replay = 0"):
        task(base, tmp_path, replay=0.5)


def test_the_usual_rate_is_a_tenth(base: Path, tmp_path: Path) -> None:
    made = task(base, tmp_path, learning_rate=0.0)
    assert made.run.config.rate == pytest.approx(3e-5)
