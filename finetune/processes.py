"""Several processes that train one model, started by `accelerate launch`.

Each takes its share of every batch's rows; gradients, losses and counts are summed over all. The
sums are those that one process would have, up to rounding, so the losses and the step at which
the training stops are too.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process among all; alone, nothing is exchanged."""

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def joined(cls) -> "Processes":
        """Joins the others, if the launcher says that there are any."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls(device=torch.device("cuda" if torch.cuda.is_available() else "cpu"))
        from accelerate import PartialState

        state = PartialState(cpu=not torch.cuda.is_available())
        return cls(rank=state.process_index, world=state.num_processes, device=state.device)

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """What this process takes of items; empty where there are too few."""
        return items[self.rank :: self.world]

    def total(self, *values: float) -> list[float]:
        """Each value summed over all processes."""
        if self.world == 1:
            return list(values)
        summed: list[float] = self._summed(torch.tensor(values, dtype=torch.float64)).tolist()
        return summed

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Puts the sum of all processes' gradients in the place of each; one without has zeros."""
        if self.world == 1:
            return
        whole = torch.cat(
            [(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters]
        )
        parts = self._summed(whole).split([p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter).clone()

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()

    def _summed(self, values: torch.Tensor) -> Any:
        from accelerate.utils import reduce

        return reduce(values.to(self.device), "sum")
