"""The calibrated thresholds: an artefact that belongs to one verifier and one tokenizer."""

import json
import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from guards.answerability import FEATURES
from guards.config import GuardsConfig

if TYPE_CHECKING:
    from guards.verifier import Verifier

log = logging.getLogger("truepenny.guards")
PACKAGED = Path(__file__).parent / "thresholds.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Calibrated decisions. Probabilities; weights are of a logistic regression.

    `answer_weights` go with `guards.answerability.FEATURES`, after `answer_bias`. `verifier` and
    `tokenizer` are those calibrated with (`Verifier.version` and `.tokenizer`).
    """

    support: float
    answer: float
    answer_bias: float
    answer_weights: tuple[float, ...]
    verifier: str
    version: str
    tokenizer: str = ""
    measured: dict[str, object] = field(default_factory=dict)


STRICT = Thresholds(
    support=0.98, answer=0.95, answer_bias=0.0, answer_weights=(1.0, *(0.0 for _ in FEATURES[1:])),
    verifier="", version="strict",
)  # fmt: skip


def load_thresholds(config: GuardsConfig, verifier: "Verifier") -> Thresholds:
    """Reads the artefact; of another verifier or tokenizer, it gives way to the strict one."""
    path = PACKAGED if config.thresholds == "default" else Path(config.thresholds)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data["answer_weights"] = tuple(data["answer_weights"])
        found = Thresholds(**data)
        _validate(found)
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("cannot read the thresholds %s (%s): the strict ones apply", path, error)
        return STRICT
    for part, calibrated, serving in (
        ("verifier", found.verifier, verifier.version),
        ("tokenizer", found.tokenizer, verifier.tokenizer),
    ):
        if calibrated != serving:
            log.warning(
                "the thresholds %s were calibrated for the %s %r, this one is %r: the strict ones "
                "apply; run `truepenny eval calibrate`", path, part, calibrated, serving,
            )  # fmt: skip
            return STRICT
    return found


def _validate(found: Thresholds) -> None:
    """Raises ValueError or TypeError unless every number is one that can decide."""
    if len(found.answer_weights) != len(FEATURES):
        raise ValueError(f"{len(found.answer_weights)} answer_weights, not {len(FEATURES)}")
    for name in ("support", "answer"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ValueError(f"{name} = {value!r}, expected a probability between 0 and 1")
    if not all(math.isfinite(value) for value in (*found.answer_weights, found.answer_bias)):
        raise ValueError("answer_weights and answer_bias must be finite numbers")
