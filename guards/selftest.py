"""A test of the scorer that needs no golden scores: can it tell yes from no at all?

Golden scores catch weights or arithmetic that changed. This catches what has none: a quantised
model that saturates on this processor gives the same score to everything.
"""

from typing import TYPE_CHECKING

import numpy as np

from guards.errors import SelfTestFailed
from guards.evidence import as_passages
from guards.scores import sound

if TYPE_CHECKING:
    from guards.verifier import Verifier

_PAIRS = (
    ("You can return items within 45 days.", "You can return items within 45 days of delivery."),
    ("Standard delivery costs €4.95.", "Standard delivery costs €4.95 and takes three days."),
    ("Repairs are done in the workshop.", "All repairs are done in the workshop in town."),
)
_LEAST_GAP = 0.5  # between the log-odds of a claim on its own passage and on another


def self_test(verifier: "Verifier") -> None:
    """Each claim must score higher on the passage that says it than on any other.

    Raises:
        SelfTestFailed: It doesn't, or it gives no sound scores.
    """
    passages = as_passages([text for _, text in _PAIRS])
    try:
        found = verifier.support([claim for claim, _ in _PAIRS], passages)
        scores = sound(found, (len(_PAIRS), len(_PAIRS)))
    except Exception as error:
        raise SelfTestFailed(f"{error}; run `truepenny models verify`") from error
    own = np.diag(scores)
    others = np.where(np.eye(len(_PAIRS), dtype=bool), -np.inf, scores).max(axis=1)
    if (own - others).min() < _LEAST_GAP:
        raise SelfTestFailed(
            f"the verifier can't tell a claim's own passage from another ({own.round(2)} against "
            f"{others.round(2)}): it is badly trained, or its quantised weights saturate on this "
            "processor; run `truepenny models verify`, or use float32 weights"
        )
