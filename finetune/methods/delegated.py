"""LoRA, prefix tuning and prompt tuning, by PEFT.

LoRA learns a low-rank change to each linear layer (r = rank, A: r x in, B: out x r, B begins at
zero):

    W' = W + alpha / r * B A          (rsLoRA: alpha / sqrt(r))
    W' = m * V / ||V||_c,  V = W + scale * B A          (DoRA: m begins as ||W||_c, by column)

Prefix tuning learns keys and values that every block attends to; prompt tuning learns vectors
that stand before the embedded input.

Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685, equation 3; Kalajdzievski 2023,
    https://arxiv.org/abs/2312.03732; Liu et al. 2024, https://arxiv.org/abs/2402.09353,
    equation 5; Li and Liang 2021, https://arxiv.org/abs/2101.00190; Lester et al. 2021,
    https://arxiv.org/abs/2104.08691
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finetune.config import FinetuneConfig
from finetune.errors import MethodError
from finetune.methods.families import family_of, linear_pattern


def apply(model: Any, config: FinetuneConfig, *, causal: bool) -> Any:
    """Wraps a model; its own weights are frozen.

    Raises:
        MethodError: The family can't take a prefix.
    """
    from peft import get_peft_model

    model.requires_grad_(False)  # PEFT leaves bare parameters of the outermost module trainable
    with quiet():
        name = Path(model.config._name_or_path or "").name  # no path of this machine in the adapter
        wrapped = get_peft_model(model, _settings(model, config, causal))
        wrapped.peft_config["default"].base_model_name_or_path = name
    return wrapped


def save(model: Any, folder: Path) -> None:
    """Writes PEFT's folder, without its empty model card."""
    with quiet():
        model.save_pretrained(folder, save_embedding_layers=False)  # "auto" asks the hub
    (folder / "README.md").unlink(missing_ok=True)


def load(model: Any, folder: Path, *, trainable: bool = False) -> Any:
    """Wraps a model with the adapter of a folder.

    Raises:
        MethodError: It was trained for another model.
    """
    from peft import PeftModel

    model.requires_grad_(False)
    try:
        with quiet():
            wrapped = PeftModel.from_pretrained(model, folder, is_trainable=trainable)
    except (RuntimeError, ValueError, KeyError) as error:
        raise MethodError(
            f"{folder} doesn't fit this {model.config.model_type} model; give the base model that "
            f"it was trained on ({str(error).splitlines()[0]})"
        ) from error
    return wrapped


@contextmanager
def disabled(model: Any) -> Iterator[None]:
    """The model as it was before, for as long as the block lasts."""
    with model.disable_adapter():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """PEFT asks transformers for a deprecated attribute, and warns of names it can't look up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _settings(model: Any, config: FinetuneConfig, causal: bool) -> Any:
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig

    family, task = family_of(model), "CAUSAL_LM" if causal else "FEATURE_EXTRACTION"
    if config.method == "prefix":
        if not family.keys_and_values:
            raise MethodError(
                f"prefix tuning needs a cache of keys and values, and {model.config.model_type} "
                "has none; choose lora, bottleneck, prompt or full"
            )
        return PrefixTuningConfig(task_type=task, num_virtual_tokens=config.virtual_tokens)
    if config.method == "prompt":
        return PromptTuningConfig(task_type=task, num_virtual_tokens=config.virtual_tokens)
    return LoraConfig(
        task_type=task,
        r=config.rank,
        lora_alpha=config.alpha,
        use_rslora=config.rslora,
        use_dora=config.dora,
        lora_dropout=0.0,
        target_modules=linear_pattern(family),
        fan_in_fan_out=model.config.model_type == "gpt2",  # its linear layers are transposed
    )
