"""Does what was found answer the question? The evidence for it, as numbers.

No single signal tells: cosines of answerable and unanswerable questions overlap widely. The
answerability head and the cosines are weighed by a logistic regression whose weights are part of
the thresholds artefact.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from guards.scores import UNSEEN, sound
from retrieval.sentences import is_heading, sentence_spans
from retrieval.types import Hit, Passage

if TYPE_CHECKING:
    from guards.verifier import Verifier

FEATURES = (
    "best answer log-odds of a passage",
    "second best answer log-odds",
    "best cosine of a passage",
    "best cosine of a sentence",
    "best log-odds of a sentence being evidence",
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

    Raises:
        GuardError: The scores aren't those of a working verifier.
    """
    scores = verifier.answers(question, [hit.passage for hit in hits])
    odds = np.sort(sound(scores, (len(hits),)))[::-1]
    second = odds[1] if len(odds) > 1 else odds[0]
    evidence = max(_evidence(verifier, question, hit.passage) for hit in hits)
    return (float(odds[0]), float(second), *(float(value) for value in signals), evidence)


def _evidence(verifier: "Verifier", question: str, passage: Passage) -> float:
    """How sure the verifier is of the passage's best sentence; from the same pass as `answers`."""
    text = passage.text
    spans = [(a, b) for a, b in sentence_spans(text) if not is_heading(text[a:b])]
    found = sound(verifier.evidence(question, passage, spans), (len(spans),))
    return float(found.max(initial=UNSEEN))
