"""Does what was found answer the question? The evidence for it, as numbers.

No single signal tells: cosines of answerable and unanswerable questions overlap widely. The
answerability head and the cosines are weighed by a logistic regression whose weights are part of
the thresholds artefact.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrieval.types import Hit

if TYPE_CHECKING:
    from guards.verifier import Verifier

FEATURES = (
    "best answer log-odds of a passage",
    "second best answer log-odds",
    "best cosine of a passage",
    "best cosine of a sentence",
)


def features(
    verifier: "Verifier", question: str, hits: Sequence[Hit], signals: Sequence[float]
) -> tuple[float, ...]:
    """The numbers named in `FEATURES`.

    Args:
        verifier: Its answerability head.
        question: Standalone.
        hits: Best first, at least one.
        signals: The two of `Retriever.signals`.
    """
    odds = np.sort(verifier.answers(question, [hit.passage for hit in hits]))[::-1]
    second = odds[1] if len(odds) > 1 else odds[0]
    return (float(odds[0]), float(second), *(float(value) for value in signals))
