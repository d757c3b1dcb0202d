"""GGUF to a safetensors folder, once: the form that training and export start from."""

import logging
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.errors import ModelDamaged, ModelError, ModelMissing

log = logging.getLogger("truepenny.models")

# What a damaged or unknown GGUF file makes transformers raise; NotImplementedError is a
# RuntimeError, KeyError and IndexError are LookupErrors.
_UNREADABLE = (OSError, ValueError, LookupError, RuntimeError, struct.error)


def find_gguf(folder: Path) -> Path | None:
    """The one GGUF file of a folder that has no safetensors; None when it is no such folder.

    Raises:
        ModelMissing: There are several, and no telling which.
    """
    if any(folder.glob("*.safetensors")):
        return None
    found = sorted(folder.glob("*.gguf"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ModelMissing(f"{folder} holds several GGUF files ({names}); keep one of them there")
    return found[0] if found else None


def convert(gguf: Path, target: Path) -> dict[str, Any]:
    """Writes a GGUF model as float32 safetensors with its tokenizer and chat template.

    transformers won't save a model that it read from GGUF, because it counts as quantized; so
    the state is copied into a fresh model of the same configuration.

    Returns:
        Facts for the manifest.

    Raises:
        ModelDamaged: transformers can't read the file, or the two models differ.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    log.info("converting %s to safetensors (10 to 30 s, once)", gguf.name)
    started = time.perf_counter()
    with no_progress():
        try:
            where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
            model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
            tokenizer = AutoTokenizer.from_pretrained(**where)
        except _UNREADABLE as error:
            raise ModelDamaged(
                f"{gguf.name} can't be read as GGUF ({error}); fetch it again, or give a "
                "safetensors folder"
            ) from error
        _restore_digits(tokenizer, gguf)
        _fresh_copy(model).save_pretrained(target)
        tokenizer.save_pretrained(target)
    if not tokenizer.chat_template:
        raise ModelError(f"{gguf.name} carries no chat template; use an instruction-tuned model")
    seconds = time.perf_counter() - started
    log.info("converted %s in %.0f s", gguf.name, seconds)
    return {"converted_from": gguf.name, "parameters": model.num_parameters()}


def _fresh_copy(model: Any) -> Any:
    """The same model without the mark of quantization: config, state, generation config."""
    table = model.config.to_dict()
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        table.pop(key, None)
    fresh = type(model)(type(model.config).from_dict(table)).to(model.dtype)
    fresh.load_state_dict(model.state_dict())
    fresh.tie_weights()
    fresh.generation_config = model.generation_config
    return fresh


def _restore_digits(tokenizer: Any, gguf: Path) -> None:
    """Gives SmolLM's tokenizer back its digit splitting, which transformers' reader drops.

    GGUF names the pre-tokenizer ("smollm"); llama.cpp splits every digit off before the
    byte-level rule, and so did the model's training. Without it " 5" after two spaces differs.
    Source: llama.cpp, src/llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_SMOLLM
    """
    from tokenizers import pre_tokenizers

    if _field(gguf, "tokenizer.ggml.pre") != "smollm":
        return
    digits = pre_tokenizers.Digits(individual_digits=True)
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_])


def _field(gguf: Path, name: str) -> Any:
    from gguf import GGUFReader

    field = GGUFReader(gguf).get_field(name)
    return None if field is None else field.contents()


@contextmanager
def no_progress() -> Iterator[None]:
    """Silences the bars of transformers, which would go to a server's log."""
    from transformers import modeling_gguf_pytorch_utils as modeling_gguf
    from transformers.utils import logging as quiet

    active, verbosity = quiet.is_progress_bar_enabled(), quiet.get_verbosity()
    quiet.disable_progress_bar()
    quiet.set_verbosity_error()
    bar, modeling_gguf.tqdm = modeling_gguf.tqdm, lambda items, **_: items
    try:
        yield
    finally:
        modeling_gguf.tqdm = bar
        quiet.set_verbosity(verbosity)
        if active:
            quiet.enable_progress_bar()
