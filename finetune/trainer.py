"""The training loop: one for every method and objective; a kill at any step loses nothing.

AdamW with decoupled weight decay (Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101),
a linear warm-up, then a cosine to zero (https://arxiv.org/abs/1608.03983). Every step draws what
it needs from the seed and its own number, so a training that is taken up again goes on as if it
had never stopped.
"""

import json
import logging
import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch

from finetune import checkpoint
from finetune.batches import Step, fixed_width, plan
from finetune.config import FinetuneConfig
from finetune.errors import TrainingError
from finetune.objectives.types import Batch, Objective
from finetune.precision import autocast, choose
from finetune.processes import Processes

log = logging.getLogger("truepenny.finetune")
METRICS, SPEED = "metrics.jsonl", "speed.jsonl"
OnStep = Callable[[int, int, float], None]
"""Told after each step: (steps taken, all steps, loss)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is trained on what.

    `replay` are items of the general kind that are mixed in; `identity` changes with whatever
    makes a checkpoint useless.
    """

    model: Any
    objective: Objective
    train: Sequence[Any]
    held: Sequence[Any]
    replay: Sequence[Any] = ()
    config: FinetuneConfig
    out: Path
    identity: str = ""
    on_step: OnStep = lambda done, steps, loss: None


@dataclass(slots=True)
class Progress:
    """Where a training stands; all of it is in the checkpoint."""

    step: int = 0
    best: float = math.inf
    best_step: int = 0
    worse: int = 0
    losses: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What a training came to; the model holds its best weights."""

    steps: int
    planned: int
    best_step: int
    held_loss: float
    losses: tuple[float, ...]
    precision: str
    seconds: float
    tokens_per_second: float


def fit(run: Run) -> Fit:
    """Trains until the plan's end or until the held-out loss has stopped falling.

    Raises:
        TrainingError: There is nothing to train on, the loss is no number, or a checkpoint
            can't be written or belongs to another run.
    """
    if not run.train or not run.held:
        raise TrainingError(
            f"{len(run.train)} training and {len(run.held)} held-out items; both are needed"
        )
    loop = _Loop(run)
    loop.resume()
    while loop.unfinished():
        loop.step()
    loop.processes.wait()
    checkpoint.restore(run.model, loop.best_weights())
    return loop.result()


def mean_loss(run: Run, items: Sequence[Any], precision: str | None = None, seed: int = 0) -> float:
    """The mean loss a term on items, in nats; the same draws every time."""
    device = next(run.model.parameters()).device
    chosen = choose(run.config.precision, device)
    lengths = [run.objective.length(item) for item in items]
    processes = Processes.joined()
    total, terms = 0.0, 0
    training = run.model.training
    run.model.eval()
    with torch.no_grad():
        batches = enumerate(fixed_width(lengths, run.config.batch_tokens, Random(seed)))
        for number, rows in processes.share(list(batches)):
            batch = _on(run.objective.collate([items[n] for n in rows], Random(number)), device)
            with autocast(chosen, device):
                total += float(run.objective.loss(run.model, batch))
            terms += run.objective.terms(batch)
    run.model.train(training)
    loss, count = processes.total(total, terms)
    return loss / max(count, 1)


class _Loop:
    def __init__(self, run: Run) -> None:
        config = run.config
        self.run, self.config, self.progress = run, config, Progress()
        self.processes = Processes.joined()
        self.device = next(run.model.parameters()).device
        self.precision = choose(config.precision, self.device)
        lengths = [run.objective.length(item) for item in run.train]
        self.steps = plan(
            lengths, epochs=config.epochs, batch_tokens=config.batch_tokens,
            accumulate=config.accumulate, seed=config.seed,
        )  # fmt: skip
        self.lengths = lengths
        self.learnt = [p for p in run.model.parameters() if p.requires_grad]
        self.optimizer, self.schedule = _optimizer(run.model, config, len(self.steps))
        self.began, self.first, self.tokens = time.monotonic(), 0, 0
        run.model.train()

    def unfinished(self) -> bool:
        stopped = self.progress.worse >= self.config.patience
        return self.progress.step < len(self.steps) and not stopped

    def step(self) -> None:
        number = self.progress.step
        torch.manual_seed(self.config.seed * 1_000_003 + number)
        loss = self._loss(number, self.steps[number])
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} at step {number + 1}; lower learning_rate in [finetune] (now "
                f"{self.config.rate}). The last checkpoint is intact"
            )
        torch.nn.utils.clip_grad_norm_(self.learnt, self.config.clip)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.progress.step += 1
        self.progress.losses.append(loss)
        self.run.on_step(self.progress.step, len(self.steps), loss)
        last = self.progress.step == len(self.steps)
        if last or self.progress.step % self.config.evaluate_every == 0:
            self._evaluate()
        if last or self.progress.step % self.config.checkpoint_every == 0:
            self._checkpoint()

    def _loss(self, number: int, step: Step) -> float:
        """Gradients of one step: each micro-batch weighs as many terms as it has."""
        objective, rng = self.run.objective, Random(f"{self.config.seed} step {number}")
        shares = [self.processes.share(rows) for rows in step]
        batches = [
            _on(objective.collate([self.run.train[n] for n in rows], rng), self.device)
            for rows in shares
            if rows
        ]
        (terms,) = self.processes.total(sum(objective.terms(batch) for batch in batches))
        terms, total = max(1, terms), 0.0
        for batch in batches:
            with autocast(self.precision, self.device):
                loss = objective.loss(self.run.model, batch) / terms
            loss.backward()
            total += float(loss.detach())
        self._replay(Random(f"{self.config.seed} replay {number}"))
        self.processes.sum_gradients(self.learnt)
        self.tokens += sum(self.lengths[n] for rows in step for n in rows)
        return self.processes.total(total)[0]

    def _replay(self, rng: Random) -> None:
        """Adds the gradient of general items to a share of the steps, against forgetting."""
        items, objective = self.run.replay, self.run.objective
        if not items or rng.random() >= self.config.replay:
            return
        own = self.processes.share(rng.sample(list(items), min(len(items), 8)))
        batch = _on(objective.collate(own, rng), self.device) if own else None
        (terms,) = self.processes.total(objective.terms(batch) if batch else 0)
        if batch is None:
            return
        with autocast(self.precision, self.device):
            if self.config.kl:
                divergence = objective.divergence  # type: ignore[attr-defined]
                loss = self.config.kl * divergence(self.run.model, batch)
            else:
                loss = objective.loss(self.run.model, batch)
        (loss / max(1, terms)).backward()

    def _evaluate(self) -> None:
        progress = self.progress
        held = mean_loss(self.run, self.run.held)
        recent = progress.losses[-self.config.evaluate_every :]
        row = {"step": progress.step, "train_loss": round(sum(recent) / len(recent), 5),
               "held_loss": round(held, 5), "rate": self.schedule.get_last_lr()[0]}  # fmt: skip
        log.info("step %(step)d: train %(train_loss).3f, held out %(held_loss).3f", row)
        self._write_row(METRICS, row)
        self._write_row(SPEED, {"step": progress.step, "tokens_per_second": self.speed(),
                                "memory_mb": peak_memory_mb()})  # fmt: skip
        if held < progress.best:
            progress.best, progress.best_step, progress.worse = held, progress.step, 0
            best = {"identity": self.run.identity, "model": checkpoint.weights(self.run.model)}
            if self.processes.first:
                checkpoint.write(self.run.out / checkpoint.BEST, best)
        else:
            progress.worse += 1

    def _write_row(self, name: str, row: dict[str, Any]) -> None:
        if self.processes.first:
            self.run.out.mkdir(parents=True, exist_ok=True)
            with (self.run.out / name).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")

    def _checkpoint(self) -> None:
        if not self.processes.first:
            return
        progress = self.progress
        state = {
            "identity": self.run.identity,
            "model": checkpoint.weights(self.run.model),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": progress.step, "best": progress.best, "best_step": progress.best_step,
            "worse": progress.worse, "losses": progress.losses,
        }  # fmt: skip
        checkpoint.write(self.run.out / checkpoint.CHECKPOINT, state)

    def resume(self) -> None:
        state = checkpoint.read(self.run.out / checkpoint.CHECKPOINT, self.run.identity)
        self.processes.wait()  # before any of them writes
        if self.processes.first:
            for name in (METRICS, SPEED):
                _keep_rows(self.run.out / name, state["step"] if state else 0)
        if state is None:
            return
        checkpoint.restore(self.run.model, state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        names = ("step", "best", "best_step", "worse", "losses")
        self.progress = Progress(**{name: state[name] for name in names})
        self.first = self.progress.step
        log.info("going on at step %d of %d", self.first, len(self.steps))

    def best_weights(self) -> dict[str, torch.Tensor]:
        state = checkpoint.read(self.run.out / checkpoint.BEST, self.run.identity)
        if state is None:
            raise TrainingError(
                f"{self.run.out / checkpoint.BEST} is gone; delete {checkpoint.CHECKPOINT} beside "
                "it and train again"
            )
        weights: dict[str, torch.Tensor] = state["model"]
        return weights

    def speed(self) -> float:
        """Tokens a second, of this process's time."""
        return round(self.tokens / max(time.monotonic() - self.began, 1e-9), 1)

    def result(self) -> Fit:
        progress, seconds = self.progress, time.monotonic() - self.began
        return Fit(
            steps=progress.step, planned=len(self.steps), best_step=progress.best_step,
            held_loss=progress.best, losses=tuple(progress.losses), precision=self.precision,
            seconds=round(seconds, 1), tokens_per_second=self.speed(),
        )  # fmt: skip


def _optimizer(model: Any, config: FinetuneConfig, steps: int) -> tuple[Any, Any]:
    """AdamW; biases, norms and scales of one dimension aren't decayed."""
    learnt = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learnt if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=config.rate)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: factor(step, steps, config.warmup)
    )


def factor(step: int, steps: int, warmup: float) -> float:
    """The share of the peak rate at a step: linear up, then half a cosine down to 0."""
    warm = max(1, math.ceil(steps * warmup))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def _on(batch: Batch, device: torch.device) -> Batch:
    return {name: value.to(device) for name, value in batch.items()}


def peak_memory_mb() -> int:
    """The most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))


def _keep_rows(path: Path, step: int) -> None:
    """Drops the rows of steps after the checkpoint: they are about to be written again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        path.write_text("".join(kept), encoding="utf-8")
