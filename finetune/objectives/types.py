"""The port of an objective, and the padding that all of them share."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

import torch

WIDTH = 32  # tokens; one of few shapes, because oneDNN compiles its kernels anew for each
Batch = Mapping[str, torch.Tensor]


class Objective(Protocol):
    """A loss over items of one kind."""

    def length(self, item: Any) -> int:
        """Tokens that the item takes in a batch."""
        ...

    def collate(self, items: Sequence[Any], rng: Random) -> Batch:
        """Pads items to tensors; whatever is drawn is drawn from `rng`."""
        ...

    def terms(self, batch: Batch) -> int:
        """How many terms the batch's loss sums up."""
        ...

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """The sum of the loss over the batch, in nats."""
        ...


def width(tokens: int) -> int:
    """The padded width of a sequence."""
    return -(-tokens // WIDTH) * WIDTH


def pad(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows padded on the right: (batch, width)."""
    size = width(max(map(len, rows)))
    return torch.tensor([[*row, *[value] * (size - len(row))] for row in rows])


def mask(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """1 where `pad` put a token, 0 where it put padding: (batch, width)."""
    return pad([[1] * len(row) for row in rows], 0)


def pooled(model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """The mean of an encoder's token states: (batch, hidden).

    Vectors of a prompt that stand before the tokens are left out.
    """
    output = model(input_ids=input_ids, attention_mask=attention_mask)
    states = output.last_hidden_state[:, -input_ids.shape[1] :].float()
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    result: torch.Tensor = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
    return result
