"""Mixed precision where the processor has it, and a refusal with its reason where it hasn't."""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from finetune.errors import TrainingError

log = logging.getLogger("truepenny.finetune")
Chosen = Literal["fp32", "bf16"]


def choose(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Chosen:
    """The precision to compute in; weights and optimiser stay in float32.

    Raises:
        TrainingError: bf16 was asked for and the processor would emulate it.
    """
    if wanted == "fp32":
        return "fp32"
    if native_bf16(device):
        return "bf16"
    if wanted == "bf16":
        raise TrainingError(
            f"this {device.type} has no bfloat16 arithmetic (AVX-512 BF16 or AMX on a processor, "
            'Ampere or later on a GPU) and would emulate it slowly; set precision = "fp32" in '
            "[finetune]"
        )
    return "fp32"


def native_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast(precision: Chosen, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a loss is computed."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
