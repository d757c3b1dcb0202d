"""Does what was found answer the question? The evidence for it, as numbers.

No single signal tells: cosines of answerable and unanswerable questions overlap widely. The
answerability head, the cosines and the share of the question's words found are weighed by a
logistic regression whose weights are part of the thresholds artefact.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrieval.sentences import is_heading, sentence_spans, without_mark
from retrieval.types import Hit

if TYPE_CHECKING:
    from guards.verifier import Verifier

FEATURES = (
    "best answer log-odds of a passage",
    "second best answer log-odds",
    "best answer log-odds of a sentence",
    "best cosine of a passage",
    "best cosine of a sentence",
    "share of the question's words held by one passage",
)
SENTENCE_HITS = 3


def features(
    verifier: "Verifier", question: str, hits: Sequence[Hit], signals: Sequence[float]
) -> tuple[float, ...]:
    """The numbers named in `FEATURES`.

    Args:
        verifier: Its answerability head.
        question: Standalone.
        hits: Best first, at least one.
        signals: The last three, of `Retriever.signals`.
    """
    odds = np.sort(verifier.answers(question, [hit.passage for hit in hits]))[::-1]
    second = odds[1] if len(odds) > 1 else odds[0]
    texts = [text for hit in hits[:SENTENCE_HITS] for text in sentences(hit)]
    of_sentences = verifier.logits([question] * len(texts), texts, "answer")
    best = float(of_sentences.max()) if len(texts) else float(odds[0])
    return (float(odds[0]), float(second), best, *(float(value) for value in signals))


def sentences(hit: Hit) -> list[str]:
    """The sentences of a hit as the answerability head reads them: below their title."""
    passage = hit.passage
    units = [passage.text[a:b] for a, b in sentence_spans(passage.text)]
    return [
        f"{passage.title}\n{without_mark(unit)}"
        for unit in units
        if not is_heading(unit) and len(without_mark(unit).split()) >= 2
    ]
