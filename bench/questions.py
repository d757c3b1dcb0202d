"""What the customers of the load bench ask: all different, or a few questions most of the time."""

import random
import re
from collections.abc import Iterator, Sequence

from retrieval.sentences import sentence_spans
from retrieval.types import Passage

COMMON = 200
SENTENCE_CHARS = (30, 160)


def different(asked: Sequence[str], passages: Sequence[Passage], seed: int = 0) -> list[str]:
    """Every question once, shuffled: those given, and those made of titles, headings, sentences.

    Two that a service might take for the same (by case, spaces, closing marks) count as one.
    """
    made = [*asked, *(text for passage in passages for text in _about(passage))]
    found = list({_folded(text): text for text in reversed(made)}.values())[::-1]
    random.Random(seed).shuffle(found)
    return found


def zipf(asked: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """`count` questions drawn from the first 200: the nth is asked 1/n as often as the first."""
    common = list(dict.fromkeys(asked))[:COMMON]
    chance = random.Random(seed)
    chance.shuffle(common)  # which are the common ones isn't the file's order
    weights = [1 / rank for rank in range(1, len(common) + 1)]
    return chance.choices(common, weights, k=count)


def _about(passage: Passage) -> Iterator[str]:
    """Questions about what a passage says."""
    yield f"What should I know about {passage.title}?"
    for heading in passage.headings:
        if heading != passage.title:
            yield f"{passage.title}: what about {heading}?"
    shortest, longest = SENTENCE_CHARS
    for start, end in sentence_spans(passage.text):
        sentence = passage.text[start:end].rstrip(".!")
        if shortest <= len(sentence) <= longest and re.match(r"[A-Z][^|\n]*$", sentence):
            yield f"Is it right that {sentence}?"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" ?!.")
