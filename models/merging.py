"""A LoRA adapter merged into its base model, as a safetensors folder that exports as any other."""

import hashlib
import json
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

from models.errors import ModelDamaged, ModelError, ModelMissing
from models.store import MANIFEST

log = logging.getLogger("truepenny.models")
CONFIG = "adapter_config.json"
_AGREES = 1e-3  # largest mean divergence, in nats, between the adapter beside and in the weights
_TEXT = "Your order was shipped on Monday and arrives within three to five business days."


def adapter_folder(source: str) -> Path:
    """The folder of `[models] generator_adapter`.

    Raises:
        ModelMissing: There is no adapter in it.
        ModelError: It is of a kind that can't be merged.
    """
    folder = Path(source).expanduser().absolute()
    if not (folder / CONFIG).is_file():
        raise ModelMissing(
            f"[models] generator_adapter = {source!r} holds no adapter: expected {CONFIG} and "
            "adapter_model.safetensors in it, or a name of `truepenny adapters list`; train one "
            "with `truepenny train generator`"
        )
    kind = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("peft_type")
    if kind != "LORA":
        raise ModelError(
            f"{folder} is an adapter of type {kind}, which can't be merged into the weights, so "
            "the embedded engines can't serve it; train one with --method lora (or full, and name "
            "its folder as [models] generator)"
        )
    return folder


def merge(base: Path, adapter: Path, target: Path) -> dict[str, Any]:
    """Writes the merged model in float32, with the base model's tokenizer.

    Returns:
        Facts for the manifest.

    Raises:
        ModelError: The adapter was trained on another model.
        ModelDamaged: The merged model writes otherwise than base and adapter do together.
    """
    from transformers import AutoModelForCausalLM

    from models.gguf import no_progress

    _check_base(base, adapter)
    log.info("merging %s into %s", adapter.name, base.name)
    with no_progress(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers for a deprecated attribute
        model = AutoModelForCausalLM.from_pretrained(base, dtype="float32").eval()
        wrapped = _wrapped(model, adapter)
        ids = _ids(base)
        before = _logits(wrapped, ids)
        merged = wrapped.merge_and_unload(safe_merge=True)
        divergence = _divergence(before, _logits(merged, ids))
        merged.save_pretrained(target)
    if not divergence <= _AGREES:  # NaN fails too
        raise ModelDamaged(
            f"{adapter} merged into {base.name} differs from the two side by side by "
            f"{divergence:.4f} nats (at most {_AGREES} expected); train it again"
        )
    _copy_rest(base, target)
    return {"base": base.name, "adapter": adapter.name, "divergence": round(divergence, 7)}


def weights_digest(folder: Path) -> str:
    """Sixteen hexadecimal digits that tell one model's weights from another's.

    Reads the first rows of every tensor, so it takes a moment even for large models.
    """
    from safetensors import safe_open

    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="np") as tensors:
            for name in sorted(tensors.keys()):
                part = tensors.get_slice(name)
                shape = part.get_shape()
                head = part[: min(2, shape[0])] if shape else tensors.get_tensor(name)
                digest.update(f"{name} {shape}".encode() + head.tobytes()[:4096])
    return digest.hexdigest()[:16]


def _check_base(base: Path, adapter: Path) -> None:
    """Compares the base model with the one that the adapter's summary names, if it has one."""
    summary = adapter / "summary.json"
    if not summary.is_file():
        return
    wanted = json.loads(summary.read_text(encoding="utf-8")).get("base", {}).get("digest")
    if wanted and wanted != (got := weights_digest(base)):
        raise ModelError(
            f"{adapter} was trained on a model with weights {wanted}, but {base} has {got}; set "
            "[models] generator to the model it was trained on"
        )


def _wrapped(model: Any, adapter: Path) -> Any:
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    try:
        wrapped = get_peft_model(model, LoraConfig.from_pretrained(str(adapter)))
        state = load_file(adapter / "adapter_model.safetensors")
        state = {name: value.float() for name, value in state.items()}
        unknown = set_peft_model_state_dict(wrapped, state).unexpected_keys
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(
            f"{adapter} doesn't fit the model: {str(error).splitlines()[0]}; set [models] "
            "generator to the model it was trained on"
        ) from error
    if unknown:
        raise ModelError(f"{adapter} has tensors that the model has no place for: {unknown[:3]}")
    return wrapped.eval()


def _ids(base: Path) -> list[int]:
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(base)(_TEXT, add_special_tokens=False)["input_ids"]
    return list(ids)


def _logits(model: Any, ids: list[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0]


def _divergence(before: Any, after: Any) -> float:
    import torch

    p, q = (torch.log_softmax(logits.double(), dim=-1) for logits in (before, after))
    return float((p.exp() * (p - q)).sum(-1).mean())


def _copy_rest(base: Path, target: Path) -> None:
    """Tokenizer, chat template and what else lies beside the weights."""
    for path in base.iterdir():
        weights = path.suffix in (".safetensors", ".gguf") or path.name.endswith(".index.json")
        known = weights or path.name == MANIFEST or (target / path.name).exists()
        if path.is_file() and not known:
            shutil.copyfile(path, target / path.name)
