"""Direct preference optimisation: a verified draft before a rejected one for the same prompt.

With the summed log-likelihoods of the chosen answer y_w and the rejected y_l under the model and
under the reference (the model as it was before this training):

    L = - sum over pairs of log sigmoid( beta * (
            (log p(y_w | x) - log p_ref(y_w | x)) - (log p(y_l | x) - log p_ref(y_l | x)) ) )

The reference never changes, so its part is computed once, before the first step.

Source: Rafailov et al. 2023, https://arxiv.org/abs/2305.18290, equation 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import torch

from finetune.batches import fixed_width
from finetune.config import FinetuneConfig
from finetune.dataset.encoding import IGNORED, Encoded
from finetune.objectives.causal import CausalLM
from finetune.objectives.types import Batch
from finetune.precision import autocast, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Two answers to one prompt; `margin` is log p_ref(chosen) - log p_ref(rejected), in nats."""

    chosen: Encoded
    rejected: Encoded
    margin: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DPO:
    """The loss over `Preference` pairs; `beta` is how dear it is to leave the reference."""

    padding: int
    beta: float

    def length(self, item: Preference) -> int:
        """Tokens of both sequences."""
        return len(item.chosen.ids) + len(item.rejected.ids)

    def collate(self, items: Sequence[Preference], rng: Random) -> Batch:
        """The chosen sequences, then the rejected ones: (2 * pairs, width); margin (pairs)."""
        both = [item.chosen for item in items] + [item.rejected for item in items]
        margin = torch.tensor([item.margin for item in items])
        return {**CausalLM(self.padding).collate(both, rng), "margin": margin}

    def terms(self, batch: Batch) -> int:
        """Pairs."""
        return len(batch["margin"])

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed loss of the pairs."""
        return torch.nn.functional.softplus(-self.rewards(model, batch)).sum()

    def rewards(self, model: Any, batch: Batch) -> torch.Tensor:
        """By how much each pair's chosen answer is preferred to the rejected one: (pairs)."""
        chosen, rejected = self.likelihoods(model, batch).chunk(2)
        return self.beta * (chosen - rejected - batch["margin"])

    def likelihoods(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed log-likelihood of each row's answer: (2 * pairs)."""
        logits, labels = CausalLM(self.padding).predictions(model, batch)
        each = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        )
        return -each.sum(1)


def with_margins(
    model: Any, items: Sequence[Preference], objective: DPO, config: FinetuneConfig
) -> list[Preference]:
    """The pairs with their margins under the model as it is now, in the training's precision."""
    device, training = next(model.parameters()).device, model.training
    precision = choose(config.precision, device)
    model.eval()
    found = list(items)
    lengths = [objective.length(item) for item in items]
    with torch.inference_mode():
        for rows in fixed_width(lengths, config.batch_tokens, Random(0)):
            batch = objective.collate([items[n] for n in rows], Random(0))
            on = {name: value.to(device) for name, value in batch.items()}
            with autocast(precision, device):
                chosen, rejected = objective.likelihoods(model, on).chunk(2)
            for n, margin in zip(rows, (chosen - rejected).tolist(), strict=True):
                found[n] = replace(items[n], margin=margin)
    model.train(training)
    return found
