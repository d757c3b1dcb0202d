"""A whole training: measure, train, measure again, judge, save, and write down what happened."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune import checkpoint, methods
from finetune.config import FinetuneConfig
from finetune.errors import TrainingError
from finetune.model_card import model_card
from finetune.objectives.types import Objective
from finetune.processes import Processes
from finetune.report import REPORT, report, rows
from finetune.trainer import METRICS, SPEED, Fit, Run, fit, mean_loss, peak_memory_mb
from models.merging import weights_digest

SUMMARY, CARD = "summary.json", "README.md"
Sample = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a command trains.

    `general` is measured before and after, never trained on; empty where nothing general can be
    asked of the model, and by `general_objective` where it isn't the run's own. `quality`
    measures held-out quality in the task's own terms; `samples` gives what the model writes for
    the report: (asked, wanted, written). `save` writes the result into a folder.
    """

    name: str
    base: Path
    run: Run
    general: Sequence[Any]
    card: Mapping[str, Any]
    save: Callable[[Path], None]
    quality: Callable[[], dict[str, float]] = dict
    general_objective: Objective | None = None
    samples: Callable[[], Sequence[Sample]] = tuple


def execute(task: Task) -> dict[str, Any]:
    """Runs a task and writes adapter, summary.json and README.md into its folder.

    A run that fails a check is saved all the same, for a look; its summary says `passed: false`.

    Returns:
        The summary.

    Raises:
        TrainingError: The training can't go on; the last checkpoint is intact.
    """
    config, digest = task.run.config, weights_digest(task.base)
    run = replace(task.run, identity=_identity(task, digest))
    if config.kl:
        _check_kl(run)
    out, processes = run.out, Processes.joined()
    run.model.to(processes.device)
    try:
        before, said = _measure(run, task), task.samples()
        trained, total = methods.trainable(run.model)
        fitted = fit(run)
        after = _measure(run, task)
        train_loss = mean_loss(run, run.train[: 4 * len(run.held)])
        checks = _checks(config, before, after, train_loss)
        summary = {
            "task": task.name,
            "base": {"name": task.base.name, "digest": digest},
            "settings": config.model_dump(),
            "data": task.card,
            "trainable": trained,
            "parameters": total,
            **_training(fitted),
            "before": before,
            "after": after | {"train_loss": round(train_loss, 4)},
            "checks": checks,
            "passed": all(check["passed"] for check in checks),
        }
        if processes.first:
            _write(task, summary, said, task.samples())
        processes.wait()
    except OSError as error:
        raise TrainingError(
            f"{out} can't be written ({error}); the last checkpoint is intact. Make room and run "
            "the same command again"
        ) from error
    if processes.first:
        for name in (checkpoint.CHECKPOINT, checkpoint.BEST):
            (out / name).unlink(missing_ok=True)
    return summary


def _write(
    task: Task, summary: dict[str, Any], before: Sequence[Sample], after: Sequence[Sample]
) -> None:
    """Adapter, summary, card and report."""
    out = task.run.out
    out.mkdir(parents=True, exist_ok=True)
    task.save(out)
    (out / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    (out / CARD).write_text(model_card(summary), encoding="utf-8")
    shown = [
        {"asked": asked, "wanted": wanted, "before": said, "after": now}
        for (asked, wanted, said), (_, _, now) in zip(before, after, strict=True)
    ]
    page = report(summary, rows(out / METRICS), rows(out / SPEED), shown)
    (out / REPORT).write_text(page, encoding="utf-8")


def _measure(run: Run, task: Task) -> dict[str, float]:
    found = {"held_loss": round(mean_loss(run, run.held), 4)}
    if task.general:
        asked = replace(run, objective=task.general_objective or run.objective)
        found["general_loss"] = round(mean_loss(asked, task.general), 4)
    return found | task.quality()


def _checks(
    config: FinetuneConfig, before: Mapping[str, float], after: Mapping[str, float], train: float
) -> list[dict[str, Any]]:
    """Better on held-out data, no worse in general, not learnt by heart."""
    gain = before["held_loss"] - after["held_loss"]
    checks = [_check("held-out loss falls by", gain, at_least=0.0)]
    gap = after["held_loss"] - train
    checks.append(_check("held-out less training loss", gap, at_most=config.overfit_limit))
    if "general_loss" in before:
        rise = math.expm1(after["general_loss"] - before["general_loss"])
        checks.append(
            _check("relative rise of general perplexity", rise, at_most=config.forgetting_limit)
        )
    return checks


def _check(
    name: str, value: float, *, at_least: float | None = None, at_most: float | None = None
) -> dict[str, Any]:
    passed = value > at_least if at_least is not None else value <= (at_most or 0.0)
    limit = at_least if at_least is not None else at_most
    return {"name": name, "value": round(value, 4), "limit": limit, "passed": bool(passed)}


def _training(fitted: Fit) -> dict[str, Any]:
    return {
        "steps": fitted.steps,
        "planned_steps": fitted.planned,
        "best_step": fitted.best_step,
        "precision": fitted.precision,
        "seconds": fitted.seconds,
        "tokens_per_second": fitted.tokens_per_second,
        "peak_memory_mb": peak_memory_mb(),
    }


def _identity(task: Task, digest: str) -> str:
    """Changes with base, data or settings; checkpoints of another identity aren't taken up."""
    settings = {**task.run.config.model_dump(), "checkpoint_every": 0}
    parts = [task.name, digest, settings, task.card, len(task.run.train), len(task.run.held)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _check_kl(run: Run) -> None:
    """Fails before the training instead of at its first replayed step."""
    if not hasattr(run.objective, "divergence"):
        raise TrainingError(
            "kl in [finetune] works for the generator only; set kl = 0 (replay alone works)"
        )
    if not run.replay:
        raise TrainingError("kl in [finetune] needs replay above 0: it is taken on replayed items")
    with methods.disabled(run.model):
        pass
