"""The naive pipeline that ours is measured against: three chunks, one prompt, no checks."""

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.understanding import standalone
from evaluation.answers import Given
from evaluation.questions import Question
from guards.claims import claims
from retrieval.chunk import embedded_text
from retrieval.types import Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from retrieval.retriever import Retriever

PROMPT = "Answer using the context. If the answer is not in the context say that you don't know."
CHUNKS = 3
MAX_TOKENS = 120
_NOT = r"(?:does not|doesn't|do not|don't|did not|didn't|cannot|can't|could not|couldn't)"
_SOURCE = r"(?:context|text|passages?|documents?|information|articles?|sources?)"
_ADVERB = r"(?:explicitly |specifically |directly |clearly |currently )?"
_DECLINED = re.compile(
    rf"\b(?:i|we) {_ADVERB}{_NOT} {_ADVERB}(?:know|find|tell|say|answer|determine|have "
    r"(?:\w+ ){0,3}(?:information|answer|details|access))\b|"
    rf"^{_NOT} know\b|\bi(?:'m| am) (?:not sure|unsure|unable|sorry, but i)\b|"
    rf"\b(?:not|never|isn't|aren't|wasn't) {_ADVERB}(?:mentioned|stated|specified)\b|"
    rf"\b(?:not|isn't|aren't) {_ADVERB}(?:provided|given|found|included|available|contained|"
    rf"answered|present|covered)? ?(?:in|by|from) the (?:\w+ ){{0,2}}{_SOURCE}\b|"
    r"\bno (?:\w+ ){0,2}(?:information|mention)\b|"
    rf"\b{_SOURCE} (?:provided |given |above )?{_NOT} {_ADVERB}(?:mention|state|specify|provide|"
    r"contain|include|say|answer|give|cover)\b",
    re.I | re.M,
)


class Naive:
    """Top chunks by dense embedding, the bare generator, no answerability and no guard.

    Its citations are its chunks. A follow-up is joined with the question before, as ours is, so
    that the comparison isn't about the history.
    """

    def __init__(self, retriever: "Retriever", generator: "BaseChatModel") -> None:
        self.retriever = retriever
        self.generator = generator

    def __call__(self, question: Question) -> Given:
        """Answers one question; milliseconds in `timings` as in a Reply."""
        began = time.perf_counter()
        query = standalone(question.question, question.state())
        chunks = nearest(self.retriever, query, CHUNKS)
        found = time.perf_counter()
        reply = self.generator.invoke(messages(query, chunks), max_tokens=MAX_TOKENS)
        ended = time.perf_counter()
        text = str(reply.text).strip()
        return Given(
            text=text,
            action="abstain" if declines(text) else "answer",
            articles=tuple(dict.fromkeys(chunk.article_id for chunk in chunks)),
            sentences=tuple(claim.text for claim in claims(text)),
            passages=tuple(chunks),
            timings={
                "retrieve_ms": (found - began) * 1000,
                "draft_ms": (ended - found) * 1000,
                "total_ms": (ended - began) * 1000,
            },
        )


def nearest(retriever: "Retriever", query: str, count: int) -> list[Passage]:
    """The passages nearest by their embedding alone, best first."""
    index = retriever.index
    vector = retriever.embedder.embed([query])
    _, found = index.passage_vectors.search(vector, min(count, len(index.passages)))
    return [index.passages[int(row)] for row in found[0] if row >= 0]


def messages(query: str, chunks: Sequence[Passage]) -> list[Any]:
    """The prompt: an instruction, the chunks, the question."""
    from langchain_core.messages import HumanMessage, SystemMessage

    context = "\n\n".join(embedded_text(chunk) for chunk in chunks)
    return [SystemMessage(PROMPT), HumanMessage(f"Context:\n{context}\n\nQuestion: {query}")]


def declines(text: str) -> bool:
    """Whether a generated text says that it doesn't know; an empty one does too."""
    return not text.strip() or bool(_DECLINED.search(text.replace("’", "'")))
