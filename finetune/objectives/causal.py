"""Causal language modelling with the loss on the answer only.

    L = - sum over t in answer of log p(x_t | x_<t)

Positions of the prompt and of padding have no term, and no logits are computed where none is
needed. The regularisation against forgetting is a divergence to the base model at the same
positions:

    R = sum over t in answer of KL(p_base(. | x_<t) || p(. | x_<t))

Source: Radford et al. 2018, "Improving language understanding by generative pre-training",
    equation 1; Li and Hoiem 2017, https://arxiv.org/abs/1606.09282 (learning without forgetting).
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from finetune import methods
from finetune.dataset.encoding import IGNORED, Encoded
from finetune.errors import MethodError
from finetune.objectives.types import Batch, mask, pad


@dataclass(frozen=True, slots=True)
class CausalLM:
    """Next-token prediction over `Encoded` sequences; `padding` is the padding token's id."""

    padding: int

    def length(self, item: Encoded) -> int:
        """Tokens of the sequence."""
        return len(item.ids)

    def collate(self, items: Sequence[Encoded], rng: Random) -> Batch:
        """Right-padded ids, mask and labels: (batch, width) each."""
        ids = [item.ids for item in items]
        labels = pad([item.labels for item in items], IGNORED)
        return {
            "input_ids": pad(ids, self.padding),
            "attention_mask": mask(ids),
            "labels": labels,
        }

    def terms(self, batch: Batch) -> int:
        """Tokens that are predicted."""
        return int((batch["labels"][:, 1:] != IGNORED).sum())

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed cross-entropy of the labelled tokens."""
        logits, labels = self.predictions(model, batch)
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        )

    def divergence(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed KL divergence from the base model to the adapted one."""
        with torch.no_grad(), methods.disabled(model):
            base, _ = self.predictions(model, batch)
        logits, labels = self.predictions(model, batch)
        p, q = (torch.log_softmax(values, dim=-1) for values in (base, logits))
        each = (p.exp() * (p - q)).sum(-1)
        return (each * (labels != IGNORED)).sum()

    def predictions(self, model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits where any row has a label next, and those labels: (batch, kept, ...)."""
        labels = batch["labels"][:, 1:]
        kept = (labels != IGNORED).any(0).nonzero().flatten()
        virtual = methods.virtual_tokens(model)
        given = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
        given |= _left_to_right(model, batch["input_ids"], virtual)
        if virtual == 0 and _takes_positions(model):
            logits = model(**given, logits_to_keep=kept).logits
        else:
            logits = model(**given).logits[:, virtual:][:, kept]
        return logits.float(), labels[:, kept]


def _left_to_right(model: Any, ids: torch.Tensor, virtual: int) -> dict[str, torch.Tensor]:
    """What a model needs so that no position sees a later one.

    Raises:
        MethodError: It reads both ways; the loss would be that of copying.
    """
    config = model.config
    if config.model_type == "xlnet":  # perm_mask[b, i, j] = 1: i doesn't see j
        size = ids.shape[1] + virtual
        later = torch.ones(size, size, device=ids.device).triu(1)
        return {"perm_mask": later.expand(len(ids), -1, -1)}
    if config.model_type in ("bert", "roberta") and not config.is_decoder:
        raise MethodError(
            f"this {config.model_type} model reads in both directions and can't learn to write; "
            "load it with is_decoder=True, or train it as an encoder"
        )
    return {}


def _takes_positions(model: Any) -> bool:
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if getattr(model, "active_peft_config", None) and model.active_peft_config.is_prompt_learning:
        return False
    return "logits_to_keep" in inspect.signature(inner.forward).parameters
