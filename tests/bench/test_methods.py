"""The table of methods: one budget for all, and what it shows."""

from pathlib import Path
from typing import Any

import pytest

from bench import methods
from finetune.config import FinetuneConfig
from tests.finetune.test_rewriter import rows, written
from tests.finetune.test_tasks import GENERAL
from tests.finetune.tiny_families import CACHE_WARNS, folder
from tests.models import tiny_bert

pytestmark = [*tiny_bert.PEFT_WARNS, CACHE_WARNS]


@pytest.fixture
def work(tmp_path: Path) -> methods.Work:
    from finetune.rewrites import read_rewrites

    settings = FinetuneConfig(
        epochs=1, held_out=0.3, precision="fp32", batch_tokens=1024, rank=4, bottleneck=8,
        virtual_tokens=4, patience=methods.NEVER, evaluate_every=methods.NEVER,
    )  # fmt: skip
    return methods.Work(
        method="lora", base=folder(tmp_path / "tiny"), general=GENERAL, settings=settings,
        data=read_rewrites(written(tmp_path / "rows.jsonl", rows())), folder=tmp_path / "out",
    )  # fmt: skip


def test_every_method_takes_the_same_steps(work: methods.Work) -> None:
    from dataclasses import replace

    found = [methods.trained(replace(work, method=name)) for name in methods.METHODS]
    assert len({s["steps"] for s in found}) == 1
    assert len({s["trainable"] for s in found}) == 5
    lines = methods.table(found).splitlines()
    assert len(lines) == 7
    assert lines[-1].startswith("| full |")
    assert "| 100.00% |" in lines[-1]


def test_the_rise_of_perplexity_is_relative() -> None:
    summary: dict[str, Any] = {
        "settings": {"method": "lora"}, "trainable": 10, "parameters": 1000, "seconds": 5.2,
        "peak_memory_mb": 1500, "tokens_per_second": 99.6, "steps": 7,
        "before": {"held_loss": 2.0, "general_loss": 1.0},
        "after": {"held_loss": 1.5, "general_loss": 1.0198},
    }  # fmt: skip
    assert methods.row(summary) == [
        "lora", "10", "1.00%", "1,500", "5", "100", "7", "2.000 -> 1.500", "2.7 -> 2.8", "+2.0%",
    ]  # fmt: skip


@pytest.mark.slow
def test_in_a_process_of_its_own(work: methods.Work) -> None:
    found = methods.in_a_process(work)
    assert found["peak_memory_mb"] > 100


def test_without_data_it_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        methods.main([])
    assert "give --qa and --articles, or --rewrites" in capsys.readouterr().err
