"""Ways to adapt a model, behind one interface: apply, save, load, disabled, virtual_tokens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finetune.config import FinetuneConfig, Method
from finetune.errors import MethodError
from finetune.methods import bottleneck, delegated
from finetune.methods.families import family_of

__all__ = ["apply", "disabled", "load", "method_of", "save", "trainable", "virtual_tokens"]

_METHODS: dict[str, Method] = {
    "LORA": "lora", "PREFIX_TUNING": "prefix", "PROMPT_TUNING": "prompt",
    bottleneck.PEFT_TYPE: "bottleneck",
}  # fmt: skip


def apply(model: Any, config: FinetuneConfig, *, causal: bool = False) -> Any:
    """Makes a transformers model trainable by the configured method.

    Args:
        model: With or without a head.
        config: The method and its size.
        causal: Whether it is trained to predict the next token.

    Raises:
        MethodError: The family isn't known or can't be served by the method.
    """
    family_of(model)
    if config.method == "full":
        return model.requires_grad_(True)
    if config.method == "bottleneck":
        return bottleneck.apply(model, config)
    return delegated.apply(model, config, causal=causal)


def save(model: Any, folder: Path) -> None:
    """Writes what was learnt: an adapter's folder, or for a full fine-tuning the whole model."""
    if _is_peft(model):
        delegated.save(model, folder)
    elif _has_bottleneck(model):
        bottleneck.save(model, folder)
    else:
        model.save_pretrained(folder)


def load(model: Any, folder: Path, *, trainable: bool = False) -> Any:
    """Puts an adapter's folder onto its base model, to use it or to train it further.

    Raises:
        MethodError: The folder holds no adapter, or one for another model.
    """
    if _kind(folder) == bottleneck.PEFT_TYPE:
        return bottleneck.load(model, folder)
    return delegated.load(model, folder, trainable=trainable)


def method_of(folder: Path) -> Method:
    """The method that an adapter's folder was trained by.

    Raises:
        MethodError: The folder holds no adapter, or one of a kind that isn't known here.
    """
    kind = _kind(folder)
    if kind not in _METHODS:
        raise MethodError(f"{folder} is an adapter of type {kind}; known are {', '.join(_METHODS)}")
    return _METHODS[kind]


def _kind(folder: Path) -> str:
    path = folder / bottleneck.CONFIG
    if not path.is_file():
        raise MethodError(f"{folder} holds no adapter: expected {path.name} in it")
    return str(json.loads(path.read_text(encoding="utf-8")).get("peft_type"))


@contextmanager
def disabled(model: Any) -> Iterator[None]:
    """The base model, for as long as the block lasts.

    Raises:
        MethodError: A full fine-tuning has changed it, so it is no longer there.
    """
    if _is_peft(model):
        with delegated.disabled(model):
            yield
    elif _has_bottleneck(model):
        with bottleneck.disabled(model):
            yield
    else:
        raise MethodError(
            "kl in [finetune] compares with the base model, which full fine-tuning overwrites; "
            "set kl = 0, or choose an adapter method"
        )


def trainable(model: Any) -> tuple[int, int]:
    """Parameters that are trained, and all of them."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, learns in counts if learns), sum(n for n, _ in counts)


def virtual_tokens(model: Any) -> int:
    """How many positions prompt tuning puts before the input of a PEFT model; 0 for others."""
    if not _is_peft(model) or getattr(model, "_adapters_disabled", False):
        return 0
    settings = model.peft_config["default"]
    return int(settings.num_virtual_tokens) if settings.peft_type == "PROMPT_TUNING" else 0


def _is_peft(model: Any) -> bool:
    return hasattr(model, "peft_config")


def _has_bottleneck(model: Any) -> bool:
    return any(isinstance(module, bottleneck.Bottleneck) for module in model.modules())
