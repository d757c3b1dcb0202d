"""Checkpoints: whole or not there, and only for the run that they belong to."""

import os
from pathlib import Path
from typing import Any

import torch

from finetune.errors import TrainingError

CHECKPOINT, BEST = "checkpoint.pt", "best.pt"


def weights(model: Any) -> dict[str, torch.Tensor]:
    """What is trained, by name; copies on the CPU."""
    return {
        name: value.detach().cpu().clone()
        for name, value in model.named_parameters()
        if value.requires_grad
    }


def restore(model: Any, state: dict[str, torch.Tensor]) -> None:
    """Puts `weights` back."""
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state.items():
            own[name].copy_(value)


def write(path: Path, state: dict[str, Any]) -> None:
    """Writes beside the old one, then takes its place.

    Raises:
        TrainingError: It can't be written; the old one is intact.
    """
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        temporary.unlink(missing_ok=True)
        kept = f"the one before is intact in {path}" if path.exists() else "there is none before it"
        raise TrainingError(
            f"the checkpoint {path} can't be written ({error}); {kept}. Make room and run the "
            "same command again: it goes on from there"
        ) from error


def read(path: Path, identity: str) -> dict[str, Any] | None:
    """Reads a checkpoint; None if there is none.

    Raises:
        TrainingError: It is damaged, or of another run: other data, model or settings.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        own = state["identity"]
    except Exception as error:  # torch and pickle raise a dozen types on a damaged file
        raise TrainingError(
            f"the checkpoint {path} can't be read ({type(error).__name__}); delete it to begin anew"
        ) from error
    if own != identity:
        raise TrainingError(
            f"{path} belongs to another run: the data, the model or [finetune] has changed since. "
            "Give a fresh --out, or delete the checkpoint to begin anew"
        )
    return state
