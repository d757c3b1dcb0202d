"""Sequence classification: which intent is it?

    L = - sum over i of log softmax(W h_i + b)[y_i],   h_i = mean of the token states

Every family and every method is pooled in the same way, so no position has a special part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from finetune.objectives.types import Batch, mask, pad, pooled


@dataclass(frozen=True, slots=True)
class Labelled:
    """Token ids of a text and the number of its class."""

    ids: list[int]
    label: int


class Classifier(torch.nn.Module):
    """A linear head on the mean of an encoder's token states."""

    def __init__(self, encoder: Any, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(encoder.config.hidden_size, classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits: (batch, classes)."""
        states = pooled(self.encoder, input_ids, attention_mask)
        result: torch.Tensor = self.head(states)
        return result


@dataclass(frozen=True, slots=True)
class Classification:
    """Cross-entropy over `Labelled` texts; `padding` is the padding token's id."""

    padding: int

    def length(self, item: Labelled) -> int:
        """Tokens of the text."""
        return len(item.ids)

    def collate(self, items: Sequence[Labelled], rng: Random) -> Batch:
        """Ids and mask (batch, width), labels (batch)."""
        ids = [item.ids for item in items]
        labels = torch.tensor([item.label for item in items])
        return {"input_ids": pad(ids, self.padding), "attention_mask": mask(ids), "labels": labels}

    def terms(self, batch: Batch) -> int:
        """Texts."""
        return len(batch["labels"])

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed cross-entropy."""
        logits = model(batch["input_ids"], batch["attention_mask"]).float()
        return torch.nn.functional.cross_entropy(logits, batch["labels"], reduction="sum")
