"""The loop: it learns, stops in time, and a kill at any step changes nothing, to the bit."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.config import FinetuneConfig
from finetune.errors import TrainingError
from tests.finetune.tiny_families import build
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS


def items(count: int = 24) -> list[Any]:
    from finetune.dataset.encoding import IGNORED, Encoded

    rows = [[10 + n % 6, 20, 30 + n % 6, 40, 2] for n in range(count)]
    return [Encoded(row, [IGNORED, IGNORED, *row[2:]]) for row in rows]


def run(out: Path, *, method: str = "lora", family: str = "llama", **changes: Any) -> Any:
    from finetune import methods
    from finetune.objectives.causal import CausalLM
    from finetune.trainer import Run

    names = ("train", "held", "identity", "on_step")
    given_ = {name: changes.pop(name) for name in names if name in changes}
    settings = {
        "method": method, "rank": 4, "batch_tokens": 128, "epochs": 4, "learning_rate": 1e-2,
        "evaluate_every": 5, "checkpoint_every": 5, "precision": "fp32", "patience": 99,
    }  # fmt: skip
    config = FinetuneConfig(**{**settings, **changes})
    import torch

    torch.manual_seed(0)
    model = methods.apply(build(family, "AutoModelForCausalLM"), config, causal=True)
    replay = items(5) if config.replay else ()
    parts = {"train": items(), "held": items(6), "replay": replay, **given_}
    return Run(model=model, objective=CausalLM(0), config=config, out=out, **parts)


def learnt(model: Any) -> dict[str, Any]:
    from finetune.checkpoint import weights

    return weights(model)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(bool((one[n] == other[n]).all()) for n in one)


class Killed(BaseException):
    pass


@pytest.mark.parametrize(("method", "least"), [("full", 0.3), ("lora", 0.9)])
def test_it_learns_and_writes_its_curve(method: str, least: float, tmp_path: Path) -> None:
    from finetune.trainer import METRICS, fit, mean_loss

    job = run(tmp_path, method=method)
    before = mean_loss(job, job.held)
    done = fit(job)
    assert done.held_loss < least * before
    assert mean_loss(job, job.held) == pytest.approx(done.held_loss)
    assert done.steps == done.planned == len(done.losses) == 24
    rows = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert [row["step"] for row in rows] == [*range(5, 24, 5), 24]
    assert min(row["held_loss"] for row in rows) == pytest.approx(done.held_loss, abs=1e-4)


@pytest.mark.parametrize(
    ("method", "more"),
    [("lora", {}), ("bottleneck", {"accumulate": 2}), ("full", {"replay": 0.5}),
     ("lora", {"replay": 0.5, "kl": 1.0})],
)  # fmt: skip
def test_killed_at_any_step_it_ends_with_the_same_bits(
    method: str, more: dict[str, Any], tmp_path: Path
) -> None:
    from finetune.trainer import METRICS, fit

    def job(name: str, **told: Any) -> Any:
        return run(tmp_path / name, method=method, checkpoint_every=3, epochs=3, **more, **told)

    whole = job("whole")
    wanted = fit(whole)
    for kill in (2, 5, 8):

        def told(done: int, steps: int, loss: float, kill: int = kill) -> None:
            if done == kill:
                raise Killed

        with pytest.raises(Killed):
            fit(job("cut", on_step=told))
    again = job("cut")
    got = fit(again)
    assert got.losses == wanted.losses
    assert same(learnt(again.model), learnt(whole.model))
    curves = [(tmp_path / name / METRICS).read_text() for name in ("whole", "cut")]
    assert curves[0] == curves[1]


def test_another_seed_is_another_training(tmp_path: Path) -> None:
    from finetune.trainer import fit

    first, same_, other = (
        fit(run(tmp_path / str(n), seed=seed, epochs=2)).losses for n, seed in enumerate((1, 1, 2))
    )
    assert first == same_ != other


def test_it_stops_when_the_held_out_loss_no_longer_falls(tmp_path: Path) -> None:
    from finetune.trainer import fit, mean_loss

    other = items(6)
    for item in other:  # what is held out contradicts what is trained on
        item.labels[2:] = item.ids[2:] = [99, 98, 97]
    job = run(tmp_path, held=other, patience=2, evaluate_every=3, epochs=30, learning_rate=3e-2)
    done = fit(job)
    assert done.steps < done.planned
    assert done.steps == done.best_step + 2 * 3
    assert mean_loss(job, other) == pytest.approx(done.held_loss, rel=1e-3)  # the best weights


def test_accumulated_micro_batches_are_one_batch(tmp_path: Path) -> None:
    from finetune.trainer import fit

    small = fit(run(tmp_path / "a", batch_tokens=128, accumulate=6))
    large = fit(run(tmp_path / "b", batch_tokens=24 * 32, accumulate=1))
    assert large.steps == 4
    assert small.losses == pytest.approx(large.losses, rel=1e-4)


@pytest.mark.parametrize(("change", "value"), [("identity", "b"), ("damage", None)])
def test_a_checkpoint_that_does_not_fit_is_refused(change: str, value: Any, tmp_path: Path) -> None:
    from finetune.checkpoint import CHECKPOINT
    from finetune.trainer import fit

    fit(run(tmp_path, identity="a", epochs=1))
    if change == "damage":
        path = tmp_path / CHECKPOINT
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TrainingError, match="delete"):
        fit(run(tmp_path, identity=value or "a", epochs=1))


def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from finetune.checkpoint import CHECKPOINT
    from finetune.trainer import fit

    saved, real = [], torch.save

    def save(state: Any, file: Any) -> None:
        if len(saved) >= 3:
            file.write(b"half of it")
            raise RuntimeError("PytorchStreamWriter failed writing file: No space left on device")
        real(state, file)
        saved.append(state.get("step"))

    whole = fit(run(tmp_path / "whole", epochs=3))
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", save)
        with pytest.raises(TrainingError, match=r"No space left .* intact .* same command"):
            fit(run(tmp_path / "cut", epochs=3))
    names = {path.name for path in (tmp_path / "cut").iterdir()}
    assert CHECKPOINT in names
    assert not [name for name in names if name.endswith(".tmp")]
    assert fit(run(tmp_path / "cut", epochs=3)).losses == whole.losses


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    from finetune.trainer import fit

    job = run(tmp_path, learning_rate=1e30, clip=1e30)
    with pytest.raises(TrainingError, match=r"the loss is nan at step .* lower learning_rate"):
        fit(job)


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    from finetune.trainer import fit

    with pytest.raises(TrainingError, match="24 training and 0 held-out"):
        fit(run(tmp_path, held=[]))


def test_kl_keeps_the_model_nearer_to_its_base(tmp_path: Path) -> None:
    from finetune.trainer import fit

    distances = []
    for number, more in enumerate(({}, {"replay": 0.99, "kl": 50.0})):
        job = run(tmp_path / str(number), **more)
        fit(job)
        batch = job.objective.collate(items(6), None)
        distances.append(float(job.objective.divergence(job.model, batch).detach()))
    assert distances[1] < 0.5 * distances[0]


def test_bf16_is_refused_where_it_would_be_emulated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    from finetune import precision
    from finetune.trainer import fit

    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert precision.choose("auto", cpu) == precision.choose("fp32", cpu) == "fp32"
    with pytest.raises(TrainingError, match=r'set precision = "fp32"'):
        fit(run(tmp_path, precision="bf16"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert precision.choose("auto", cpu) == "bf16"
    done = fit(run(tmp_path, precision="bf16", epochs=2))
    assert done.precision == "bf16"
    assert all(math.isfinite(loss) for loss in done.losses)


def test_the_rate_warms_up_and_falls_as_a_cosine() -> None:
    from finetune.trainer import factor

    rates = [factor(step, 100, 0.1) for step in range(101)]
    assert rates[:10] == pytest.approx([n / 10 for n in range(1, 11)])
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=80), seed=st.integers(0, 3),
    accumulate=st.integers(1, 3),
)  # fmt: skip
def test_every_item_is_in_one_batch_of_an_epoch(
    lengths: list[int], seed: int, accumulate: int
) -> None:
    from finetune.batches import plan
    from finetune.objectives.types import width

    steps = plan(lengths, epochs=2, batch_tokens=512, accumulate=accumulate, seed=seed)
    seen = sorted(n for step in steps for rows in step for n in rows)
    assert seen == sorted([*range(len(lengths))] * 2)
    for step in steps:
        assert 1 <= len(step) <= accumulate
        for rows in step:
            widths = {width(lengths[n]) for n in rows}
            assert len(widths) == 1
            assert len(rows) == 1 or len(rows) * widths.pop() <= 512
