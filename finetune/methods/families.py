"""Where each family of models keeps its blocks and linear layers."""

from dataclasses import dataclass
from typing import Any

from finetune.errors import MethodError


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One architecture of transformers.

    `blocks` is the list of transformer blocks below the bare model; `linear` are the names of the
    linear layers in a block. `keys_and_values` says whether a prefix of keys and values can be
    put before the input, `left_to_right` whether it is made to predict the next token.
    """

    blocks: str
    linear: tuple[str, ...]
    keys_and_values: bool = True
    left_to_right: bool = False


_BERT = Family(blocks="encoder.layer", linear=("query", "key", "value", "dense"))
FAMILIES: dict[str, Family] = {
    "llama": Family(
        blocks="layers", left_to_right=True,
        linear=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    ),
    "gpt2": Family(blocks="h", linear=("c_attn", "c_proj", "c_fc"), left_to_right=True),
    "bert": _BERT,
    "roberta": _BERT,
    # its attention has bare parameters instead of linear layers, and memories instead of a cache
    "xlnet": Family(blocks="layer", linear=("layer_1", "layer_2"), keys_and_values=False),
}  # fmt: skip


def family_of(model: Any) -> Family:
    """The family of a transformers model.

    Raises:
        MethodError: It is none that we know.
    """
    name = str(getattr(model.config, "model_type", ""))
    if name not in FAMILIES:
        raise MethodError(
            f"models of type {name!r} can't be adapted yet; expected one of {', '.join(FAMILIES)}"
        )
    return FAMILIES[name]


def blocks_of(model: Any) -> Any:
    """The transformer blocks, in order, of a bare model or one with a head."""
    return model.base_model.get_submodule(family_of(model).blocks)


def linear_pattern(family: Family) -> str:
    """A regular expression for the linear layers inside the blocks, as PEFT matches it whole."""
    inside = family.blocks.replace(".", r"\.")
    return rf"(?:.*\.)?{inside}\.\d+\..*\b(?:{'|'.join(family.linear)})"
