"""Does what was found answer the question? The evidence for it, as numbers.

No single signal tells: cosines of answerable and unanswerable questions overlap widely. The
answerability head, the cosines and the share of the question's words found are weighed by a
logistic regression whose weights are part of the thresholds artefact.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from guards.facts import Kind, extract, unknown_names
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
    "the kind of fact asked for stands in the best sentences (1), doesn't (-1), none asked (0)",
    "names in the question that no hit holds",
)
SENTENCE_HITS = 3
_BEST_SENTENCES = 5
_NUMERIC: tuple[Kind, ...] = ("number", "money", "percent", "duration", "date", "time")
_ASKS: tuple[tuple[re.Pattern[str], tuple[Kind, ...], str], ...] = (
    (
        re.compile(r"\bhow much\b|\b(?:costs?|price[ds]?|fees?|charges?d?|expensive)\b", re.I),
        ("money", "percent"),
        r"\b(?:free|no (?:extra |additional )?(?:cost|charge|fee))\b",
    ),
    (
        re.compile(
            r"\bhow (?:long|soon|fast|quick\w*|old|often)\b|"
            r"\bhow many (?:\w+ )?(?:days|weeks|months|hours|minutes|years)\b|"
            r"\b(?:deadline|what time|until when)\b|^(?:and )?when\b",
            re.I,
        ),
        ("duration", "date", "time", "number"),
        r"\b(?:immediately|instant\w*|daily|weekly|monthly|yearly|annually|never|always|forever|"
        r"after|before|until|once|as soon as)\b",
    ),
    (
        re.compile(
            r"\bhow (?:many|big|large|heavy|far|high|deep|wide)\b|\b(?:maximum|minimum|limit)\b",
            re.I,
        ),
        _NUMERIC,
        r"\b(?:one|two|three|no limit|unlimited|any number)\b",
    ),
    (re.compile(r"\b(?:phone|telephone) number\b|\bcall you\b", re.I), ("phone",), r"\bphone\b"),
    (re.compile(r"\be-?mail address\b", re.I), ("email",), r"(?!)"),
)  # fmt: skip


def features(
    verifier: "Verifier", question: str, hits: Sequence[Hit], signals: Sequence[float]
) -> tuple[float, ...]:
    """The numbers named in `FEATURES`.

    Args:
        verifier: Its answerability head.
        question: Standalone.
        hits: Best first, at least one.
        signals: The three of `Retriever.signals`.
    """
    odds = np.sort(verifier.answers(question, [hit.passage for hit in hits]))[::-1]
    second = odds[1] if len(odds) > 1 else odds[0]
    texts = [text for hit in hits[:SENTENCE_HITS] for text in sentences(hit)]
    of_sentences = verifier.logits([question] * len(texts), texts, "answer")
    best = float(of_sentences.max()) if len(texts) else float(odds[0])
    order = np.argsort(-of_sentences)[:_BEST_SENTENCES]
    kind = asked_kind(question, "\n".join(texts[i] for i in order))
    held = [f"{hit.passage.title}\n{hit.passage.text}" for hit in hits]
    names = unknown_names(question, held)
    numbers = (float(odds[0]), float(second), best, *signals, kind, len(names))
    return tuple(float(value) for value in numbers)


def asked_kind(question: str, text: str) -> float:
    """1 if the kind of fact that the question asks for stands in the text, -1 if not.

    0 when the question asks for no kind of fact that can be told by its form.
    """
    for asks, kinds, said in _ASKS:
        if asks.search(question):
            found = any(fact.kind in kinds for fact in extract(text)) or re.search(said, text, re.I)
            return 1.0 if found else -1.0
    return 0.0


def sentences(hit: Hit) -> list[str]:
    """The sentences of a hit as the answerability head reads them: below their title."""
    passage = hit.passage
    units = [passage.text[a:b] for a, b in sentence_spans(passage.text)]
    return [
        f"{passage.title}\n{without_mark(unit)}"
        for unit in units
        if not is_heading(unit) and len(without_mark(unit).split()) >= 2
    ]
