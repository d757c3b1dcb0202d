"""Base models, loaded for training: float32, and made to read in the direction that is needed."""

from pathlib import Path
from typing import Any

from finetune.errors import MethodError
from models.gguf import no_progress


def causal(folder: Path) -> tuple[Any, Any]:
    """A model that writes, and its tokenizer.

    Raises:
        MethodError: There is no such model in the folder.
    """
    from transformers import AutoModelForCausalLM

    return _load(AutoModelForCausalLM, folder, causal=True), tokenizer(folder)


def masked(folder: Path) -> tuple[Any, Any]:
    """An encoder with a head that names hidden tokens, and its tokenizer.

    Raises:
        MethodError: There is no such model in the folder, or its family has no such head.
    """
    from transformers import AutoModelForMaskedLM

    return _load(AutoModelForMaskedLM, folder), tokenizer(folder)


def encoder(folder: Path) -> tuple[Any, Any]:
    """A model without a head, and its tokenizer.

    Raises:
        MethodError: There is no such model in the folder.
    """
    from transformers import AutoModel

    return _load(AutoModel, folder), tokenizer(folder)


def tokenizer(folder: Path) -> Any:
    """The tokenizer; one without a padding token pads with its end token."""
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(folder)
    if loaded.pad_token_id is None:
        loaded.pad_token = loaded.eos_token
    return loaded


def context(model: Any) -> int:
    """The most tokens that a model takes."""
    longest = int(getattr(model.config, "max_position_embeddings", -1))
    if longest < 0:  # XLNet's positions are relative: there is no limit but memory
        return 2048
    if model.config.model_type == "roberta":  # its positions begin behind the padding's
        return longest - model.config.pad_token_id - 1
    return longest


def _load(auto: Any, folder: Path, *, causal: bool = False) -> Any:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder)
        if causal and config.model_type in ("bert", "roberta"):
            config.is_decoder = True
        with no_progress():
            return auto.from_pretrained(folder, config=config, dtype="float32")
    except (OSError, ValueError) as error:
        raise MethodError(
            f"{folder} can't be trained for this ({auto.__name__}): {str(error).splitlines()[0]}"
        ) from error
