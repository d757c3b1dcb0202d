"""Are these scores of a working verifier? What they say comes later."""

import numpy as np
import numpy.typing as npt

from guards.errors import GuardError

MOST_LOG_ODDS = 50.0  # beyond it, no trained verifier scores: its arithmetic is broken
UNSEEN = -10.0  # log-odds of a stretch that no token lies in
Scores = npt.NDArray[np.float32]


def sound(scores: Scores, shape: tuple[int, ...]) -> Scores:
    """The scores, if they are finite log-odds of the expected shape.

    Raises:
        GuardError: They aren't.
    """
    if scores.shape != shape:
        raise GuardError(f"the verifier gave scores of shape {scores.shape}, expected {shape}")
    if not np.isfinite(scores).all():
        raise GuardError("the verifier gave scores that aren't numbers; check the model")
    if (np.abs(scores) > MOST_LOG_ODDS).any():
        raise GuardError(f"the verifier gave log-odds over {MOST_LOG_ODDS:g}; check the model")
    return scores
