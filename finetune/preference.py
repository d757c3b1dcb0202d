"""The preference step: the generator learns to prefer the drafts that the guard verifies."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch

from finetune import bases, methods
from finetune.config import FinetuneConfig
from finetune.dataset.build import Dataset
from finetune.dataset.card import data_card
from finetune.dataset.encoding import encode_answer
from finetune.dataset.types import Example, Judge
from finetune.drafts import DRAFTS, Verdicts, Write, chosen_and_rejected, judged, sampler
from finetune.errors import DataError, TrainingError
from finetune.generator import encoded_general
from finetune.objectives.causal import CausalLM
from finetune.objectives.preference import DPO, Preference, with_margins
from finetune.precision import autocast, choose
from finetune.processes import Processes
from finetune.run import Task
from finetune.trainer import OnStep, Run
from models.merging import weights_digest

TIE = 1e-3  # a gain that rounding alone may make, in nats times beta
RATE_SHARE = 0.1  # of the method's usual rate: the model is to lean, not to learn anew


def task(
    base: Path,
    dataset: Dataset,
    sources: Sequence[str],
    general: Sequence[tuple[str, str]],
    config: FinetuneConfig,
    out: Path,
    on_step: OnStep,
    *,
    judge: Judge,
    start: Path | None = None,
    write: Write | None = None,
    on_draft: Callable[[int, int], None] = lambda done, of: None,
) -> Task:
    """Samples drafts, has them judged, and puts the training on the pairs together.

    Args:
        base: The base model.
        dataset: What is to be answered.
        sources: Named in the card.
        general: What must not be forgotten.
        config: A `learning_rate` of 0 takes a tenth of the method's usual one.
        out: The folder; drafts are kept in it.
        on_step: Told after each step.
        judge: The guard.
        start: An adapter of the base model to go on from; None begins a new one on the base.
        write: Stands for the model's own drafts in tests.
        on_draft: Told after each question that drafts were sampled for.

    Raises:
        DataError: The guard tells too few drafts apart.
        MethodError: The adapter isn't for this base model.
    """
    config = _settled(config, start)
    model, tokenizer = bases.causal(base)
    context = bases.context(model)
    adapted = (
        methods.load(model, start, trainable=True)
        if start
        else methods.apply(model, config, causal=True)
    )
    write = write or sampler(
        adapted, tokenizer, config.drafts, config.draft_temperature, config.seed
    )
    identity = _identity(base, start, config)
    asked = [list(dict.fromkeys(side)) for side in (dataset.train, dataset.held)]
    drafts = list(judged(asked[0] + asked[1], write, judge, out / DRAFTS, identity, on_draft))
    told = drafts[: len(asked[0])], drafts[len(asked[0]) :]
    sides = [_pairs(*both, tokenizer, context) for both in zip(asked, told, strict=True)]
    _check_pairs(sides, drafts)
    objective = DPO(padding=tokenizer.pad_token_id, beta=config.beta)
    train, held = (with_margins(adapted, side, objective, config) for side in sides)
    run = Run(
        model=adapted, objective=objective, train=train, held=held, config=config, out=out,
        on_step=on_step,
    )  # fmt: skip

    def save(folder: Path) -> None:
        methods.save(adapted, folder)
        if config.method == "full":
            tokenizer.save_pretrained(folder)

    return Task(
        name="preference", base=base, run=run, save=save,
        card=data_card(dataset, sources) | _card(start, drafts, train, held),
        general=encoded_general(general, tokenizer),
        general_objective=CausalLM(tokenizer.pad_token_id),
        quality=lambda: {"preferred": preferred(run)},
    )  # fmt: skip


def preferred(run: Run) -> float:
    """The share of held-out pairs whose chosen answer gains on the rejected, ties counting half."""
    model, objective, device = run.model, run.objective, next(run.model.parameters()).device
    training, points = model.training, 0.0
    precision = choose(run.config.precision, device)
    model.eval()
    with torch.inference_mode(), autocast(precision, device):
        for item in run.held:
            batch = objective.collate([item], Random(0))
            on = {name: value.to(device) for name, value in batch.items()}
            reward = float(objective.rewards(model, on))  # type: ignore[attr-defined]
            points += 0.5 if abs(reward) < TIE else float(reward > 0)
    model.train(training)
    return round(points / len(run.held), 4)


def _settled(config: FinetuneConfig, start: Path | None) -> FinetuneConfig:
    """The settings as they hold: the start's own method, and a small rate.

    Raises:
        TrainingError: What they ask for has no part in this step.
    """
    if config.replay:
        raise TrainingError(
            "replay in [finetune] has no part in the preference step, whose reference holds it "
            "back already; set replay = 0"
        )
    if Processes.joined().world > 1:
        raise TrainingError("drafts are sampled by one process; run it without `accelerate launch`")
    method = methods.method_of(start) if start else config.method
    chosen = config.model_copy(update={"method": method})
    return chosen.model_copy(
        update={"learning_rate": config.learning_rate or chosen.rate * RATE_SHARE}
    )


def _check_pairs(sides: Sequence[Sequence[Preference]], drafts: Sequence[Verdicts]) -> None:
    if not all(sides):
        raise DataError(
            f"{len(sides[0])} pairs to train on and {len(sides[1])} held out; both are needed. The "
            f"guard verifies {_share(drafts)} of the drafts: bring more questions, or raise drafts "
            "or draft_temperature in [finetune]"
        )


def _card(
    start: Path | None,
    drafts: Sequence[Verdicts],
    train: Sequence[Preference],
    held: Sequence[Preference],
) -> dict[str, Any]:
    rows = [[pair.chosen.ids, pair.rejected.ids] for pair in (*train, *held)]
    return {
        "start": start.name if start else None,
        "drafts": sum(map(len, drafts)),
        "drafts_verified": _share(drafts),
        "pairs_sha256": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
        "train": {"pairs": len(train)},
        "held_out": {"pairs": len(held)},
    }


def _pairs(
    examples: Sequence[Example], drafts: Sequence[Verdicts], tokenizer: Any, context: int
) -> list[Preference]:
    found = []
    for example, told in zip(examples, drafts, strict=True):
        pair = chosen_and_rejected(example, told)
        if pair:
            chosen, rejected = (encode_answer(example, text, tokenizer) for text in pair)
            if max(len(chosen.ids), len(rejected.ids)) <= context:
                found.append(Preference(chosen=chosen, rejected=rejected))
    return found


def _share(drafts: Sequence[Verdicts]) -> float:
    verdicts = [good for told in drafts for good in told.values()]
    return round(sum(verdicts) / len(verdicts), 4) if verdicts else 0.0


def _identity(base: Path, start: Path | None, config: FinetuneConfig) -> str:
    """What drafts depend on beside the question."""
    begun = weights_digest(start) if start else ""
    sampling = f"{config.drafts} {config.draft_temperature} {config.seed}"
    return f"{weights_digest(base)} {begun} {sampling}"
