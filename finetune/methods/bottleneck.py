"""Bottleneck adapters: a small network with a residual after each transformer block.

    h' = h + W_up GELU(W_down h + b_down) + b_up

W_up and b_up begin at zero, so the model begins as it was. Houlsby et al. put such a network
inside the block, twice; one behind it has half the parameters and does as well.

Source: Houlsby et al. 2019, https://arxiv.org/abs/1902.00751, section 2;
    Pfeiffer et al. 2021, https://arxiv.org/abs/2005.00247 (one a block).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from finetune.config import FinetuneConfig
from finetune.errors import MethodError
from finetune.methods.families import blocks_of

NAME = "bottleneck_adapter"
PEFT_TYPE = "BOTTLENECK"
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


class Bottleneck(torch.nn.Module):
    """Down, GELU, up, residual: (..., width) to the same shape."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.down = torch.nn.Linear(width, inner)
        self.up = torch.nn.Linear(inner, width)
        torch.nn.init.normal_(self.down.weight, std=width**-0.5)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            torch.nn.init.zeros_(zero)
        self.enabled = True

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Adds what the bottleneck makes of the states."""
        if not self.enabled:
            return states
        change: torch.Tensor = self.up(torch.nn.functional.gelu(self.down(states)))
        return states + change


def insert(model: Any, inner: int) -> Any:
    """Freezes a model and puts a fresh adapter behind each of its blocks, in place."""
    model.requires_grad_(False)
    for block in blocks_of(model):
        if hasattr(block, NAME):
            raise MethodError("the model has bottleneck adapters already; load it afresh")
        weight = next(block.parameters())
        adapter = Bottleneck(model.config.hidden_size, inner)
        block.add_module(NAME, adapter.to(weight.device))
        block.register_forward_hook(_adapted)
    return model


def save(model: Any, folder: Path) -> None:
    """Writes the folder form of PEFT: adapter_config.json and adapter_model.safetensors."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous() for name, value in _weights(model).items()}
    save_file(weights, folder / WEIGHTS)
    table = {
        "peft_type": PEFT_TYPE,
        "bottleneck": _adapters(model)[0].down.out_features,
        "model_type": model.config.model_type,
        "base_model_name_or_path": Path(model.config._name_or_path).name,
    }
    (folder / CONFIG).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def load(model: Any, folder: Path) -> Any:
    """Inserts the adapters of a folder that `save` wrote.

    Raises:
        MethodError: They were trained for another model.
    """
    from safetensors.torch import load_file

    table = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    insert(model, int(table["bottleneck"]))
    found, wanted = load_file(folder / WEIGHTS), _weights(model)
    if {k: v.shape for k, v in found.items()} != {k: v.shape for k, v in wanted.items()}:
        raise MethodError(
            f"{folder} was trained on {table['base_model_name_or_path'] or 'another model'} "
            f"({table['model_type']}, {len(found)} tensors) and doesn't fit this "
            f"{model.config.model_type} model ({len(wanted)} tensors); give its own base model"
        )
    model.load_state_dict(found, strict=False)
    return model


@contextmanager
def disabled(model: Any) -> Iterator[None]:
    """The model as it was before, for as long as the block lasts."""
    adapters = _adapters(model)
    for adapter in adapters:
        adapter.enabled = False
    try:
        yield
    finally:
        for adapter in adapters:
            adapter.enabled = True


def apply(model: Any, config: FinetuneConfig) -> Any:
    """Inserts adapters of the configured size."""
    return insert(model, config.bottleneck)


def _adapted(block: Any, _inputs: Any, output: Any) -> Any:
    """A forward hook: a block gives its states, or a tuple that begins with them.

    XLNet's second entry are the states of its query stream, or None.
    """
    adapter = getattr(block, NAME)
    if isinstance(output, tuple):
        states, *rest = output
        if rest and type(block).__name__ == "XLNetLayer" and rest[0] is not None:
            rest[0] = adapter(rest[0])
        return (adapter(states), *rest)
    return adapter(output)


def _adapters(model: Any) -> list[Bottleneck]:
    return [module for module in model.modules() if isinstance(module, Bottleneck)]


def _weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if f".{NAME}." in name}
