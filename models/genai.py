"""A safetensors folder becomes an ONNX Runtime GenAI model, and is tested against its source."""

import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from models.config import ModelsConfig
from models.errors import ModelDamaged, ModelError, ModelMissing

log = logging.getLogger("truepenny.models")

Precision = Literal["int8", "int4", "fp32"]
CONFIG = "genai_config.json"

# The lowest top-1 agreement and the highest mean KL divergence (nats) to the float32 source that
# a precision may have on TEXT. Rounding a model this small to int4 is known to damage it.
LIMITS: dict[str, tuple[float, float]] = {
    "fp32": (0.99, 0.001),
    "int8": (0.90, 0.02),
    "int4": (0.60, 0.50),
}

TEXT = (
    "Thank you for contacting our support team. Your order was shipped on Monday and should "
    "arrive within three to five business days. If the parcel is damaged, please take a photo "
    "and send it to us within 14 days of delivery, together with your order number. We will "
    "then send a replacement free of charge, or refund the full price of $49.90 to your credit "
    "card. You can follow the parcel at any time in your account under Orders, and you may "
    "change the delivery address until the parcel has left our warehouse.\n\n1. Open Orders.\n"
    "\n2. Choose  2 items."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """How far an exported model is from its source: agreement is a fraction, kl in nats."""

    tokens: int
    agreement: float
    kl: float


def available_threads(config: ModelsConfig) -> int:
    """The intra-op threads to use: as configured, else the physical cores this process may use."""
    if config.threads > 0:
        return config.threads
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    usable = affinity(0) if affinity else range(os.cpu_count() or 1)
    return max(1, min(len({_core(cpu) for cpu in usable}), _cgroup_cores()))


def export(source: Path, target: Path, precision: Precision = "int8") -> dict[str, Any]:
    """Exports a safetensors folder for ONNX Runtime GenAI and tests the result.

    Runs the model builder in a process of its own: it prints, sets up logging and holds several
    copies of the weights.

    Returns:
        Facts for the manifest, the self-test among them.

    Raises:
        ModelError: The builder failed, for instance on an architecture it doesn't know.
        ModelDamaged: The self-test failed.
    """
    log.info("exporting %s to %s for ONNX Runtime GenAI (10 to 60 s, once)", source.name, precision)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=target, prefix=".export-") as scratch:
        command = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
        command += ["-i", str(source), "-o", str(target), "-p", precision, "-e", "cpu"]
        # prune_lm_head: the prompt needs the last token's logits only.
        command += ["-c", scratch, "--extra_options", "hf_token=false", "prune_lm_head=true"]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0 or not (target / CONFIG).is_file():
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise ModelError(f"{source} can't be exported for ONNX Runtime GenAI: {said}")
    test = self_test(target, source, precision)
    log.info("exported in %.0f s; %s", time.perf_counter() - started, test)
    return {"precision": precision, "self_test": asdict(test)}


def load(folder: Path, threads: int) -> Any:
    """Loads an exported folder as an `onnxruntime_genai.Model`.

    ONNX Runtime takes one thread on small machines unless it is told.

    Raises:
        ModelError: The folder can't be loaded.
    """
    import onnxruntime_genai as og

    options = {"intra_op_num_threads": threads, "inter_op_num_threads": 1}
    try:
        config = og.Config(str(folder))
        config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
        return og.Model(config)
    except RuntimeError as error:  # onnxruntime_genai knows no other
        raise ModelError(
            f"{folder} can't be loaded by ONNX Runtime GenAI: {error}; run `truepenny models "
            "verify`, then `truepenny models fetch generator`"
        ) from error


def tokenizer(folder: Path) -> Any:
    """The `tokenizers.Tokenizer` of an exported folder, the same one that training uses.

    onnxruntime_genai's own reading of tokenizer.json skips the digit splitting, so it splits runs
    of whitespace before a digit (an empty line and "1.") otherwise than training does.

    Raises:
        ModelMissing: The folder has no readable tokenizer.json.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises no narrower type
        raise ModelMissing(
            f"{folder} has no readable tokenizer.json ({error}); export the model again, or "
            "choose the transformers engine"
        ) from error


def self_test(exported: Path, source: Path, precision: Precision = "int8") -> SelfTest:
    """Compares the next-token distributions of the exported model and its source on `TEXT`.

    The exported model reads the first tokens as a prompt and the rest one by one, as it does
    when it generates, so the cache of keys and values is tested with it.

    Raises:
        ModelDamaged: They differ more than `LIMITS` allows, or split the text differently.
    """
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(source)(TEXT, add_special_tokens=False)["input_ids"]
    got = tokenizer(exported).encode(TEXT, add_special_tokens=False).ids
    if got != ids:
        raise ModelDamaged(
            f"the tokenizer of {exported.name} splits the test text otherwise than its source "
            f"({len(got)} against {len(ids)} tokens); this model can't be used with the ONNX "
            "engine, choose the transformers engine"
        )
    model = load(exported, available_threads(ModelsConfig()))
    test = _compare(_exported_logits(model, ids), _source_logits(source, ids))
    least, most = LIMITS[precision]
    if not (test.agreement >= least and test.kl <= most):  # NaN fails too
        raise ModelDamaged(
            f"the {precision} export of {source.name} failed its self-test: it agrees with the "
            f"float32 model on {test.agreement:.1%} of {test.tokens} tokens (at least {least:.0%} "
            f"expected), mean KL divergence {test.kl:.4f} nats (at most {most} expected); choose "
            "a higher precision or the transformers engine"
        )
    return test


def _exported_logits(model: Any, ids: list[int], prompt: int = 8) -> np.ndarray:
    """Logits after each position from `prompt - 1` on: (tokens - prompt + 1, vocabulary)."""
    import onnxruntime_genai as og

    params = og.GeneratorParams(model)
    params.set_search_options(max_length=len(ids) + 1, do_sample=False)
    generator = og.Generator(model, params)
    rows = []
    for piece in [ids[:prompt], *([token] for token in ids[prompt:])]:
        generator.append_tokens(np.array(piece, dtype=np.int32))
        rows.append(np.array(generator.get_logits())[0, -1])  # (batch, tokens, vocabulary)
    return np.stack(rows)


def _source_logits(source: Path, ids: list[int], prompt: int = 8) -> np.ndarray:
    """The float32 model's logits at the same positions: (tokens - prompt + 1, vocabulary)."""
    import torch
    from transformers import AutoModelForCausalLM

    from models.gguf import no_progress

    with no_progress():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits
    return cast(np.ndarray, logits[0, prompt - 1 :].numpy())


def _compare(got: np.ndarray, expected: np.ndarray) -> SelfTest:
    width = min(got.shape[1], expected.shape[1])  # a builder may pad the vocabulary
    p, q = (_log_softmax(logits[:, :width]) for logits in (expected, got))
    agreement = float((p.argmax(1) == q.argmax(1)).mean())
    kl = float((np.exp(p) * (p - q)).sum(1).mean())
    return SelfTest(tokens=len(p), agreement=round(agreement, 4), kl=round(kl, 5))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return cast(np.ndarray, shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _core(cpu: int) -> str:
    """Names the physical core of a logical processor, by the processors that share it."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return siblings.read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)


def _cgroup_cores() -> int:
    """The cores a container may use (cgroup v2), rounded up; many when there is no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return 1 << 16
