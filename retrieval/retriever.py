"""Finds the passages that answer a question: vectors of passages and sentences, BM25, reranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from models.config import Section
from retrieval.embedder import Embedder
from retrieval.index import Index
from retrieval.types import Hit, Passage, Reranker


class RetrievalConfig(Section):
    """How passages are found.

    The weights are on cosine similarities and on BM25 scaled to its best candidate (0 to 1);
    `rerank_weight` is on the answerability head's log-odds. They were chosen by
    `bench/retrieval_weights.py` on question sets apart from the reported ones.
    `candidates` go to the reranker; 0 turns it off.
    """

    index: str = "var/index"
    top_k: int = 5
    candidates: int = 10
    passage_weight: float = 1.0
    sentence_weight: float = 1.0
    bm25_weight: float = 0.25
    rerank_weight: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What speaks for one candidate. Similarities are cosines; `bm25` is 0 to 1 of the best."""

    row: int
    passage: float
    sentence: float
    bm25: float


class Retriever:
    """Searches one opened index. Safe to share between threads."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        reranker: Reranker | None = None,
        config: RetrievalConfig | None = None,
    ) -> None:
        self.index = index
        self.embedder = embedder
        self.reranker = reranker
        self.config = config or RetrievalConfig()
        self._query_vector = lru_cache(maxsize=256)(lambda query: embedder.embed([query])[0])

    @property
    def version(self) -> str:
        """The version of the index."""
        return self.index.version

    def search(self, query: str, k: int | None = None) -> list[Hit]:
        """Finds the `k` best passages, best first; fewer when the index is smaller."""
        config = self.config
        signals = self.candidates(query, max(config.candidates, k or config.top_k))
        scored = [(self._score(item), self.index.passages[item.row]) for item in signals]
        scored.sort(key=lambda pair: -pair[0])
        if self.reranker and config.candidates:
            scored = self._reranked(query, scored)
        return [
            Hit(passage=passage, score=round(score, 6), rank=rank)
            for rank, (score, passage) in enumerate(scored[: k or config.top_k], start=1)
        ]

    def candidates(self, query: str, count: int) -> list[Signals]:
        """The best `count` candidates of the union of dense, sentence and BM25 search."""
        index = self.index
        vector = self._query_vector(query)
        rows = self._dense_rows(vector[None, :], count * 3)
        bm25 = index.lexical.scores(query)
        rows |= {int(row) for row in np.argsort(-bm25)[:count] if bm25[row] > 0}
        best = float(bm25.max()) or 1.0
        found = []
        for row in sorted(rows):
            first, last = int(index.offsets[row]), int(index.offsets[row + 1])
            own = float(index.passage_vectors.reconstruct(row) @ vector)
            sentence = own
            if last > first:
                vectors = index.sentence_vectors.reconstruct_n(first, last - first)
                sentence = float((vectors @ vector).max())
            lexical = float(bm25[row]) / best
            found.append(Signals(row=row, passage=own, sentence=sentence, bm25=lexical))
        found.sort(key=lambda item: -self._score(item))
        return found[:count]

    def signals(self, query: str, hits: Sequence[Hit]) -> tuple[float, float]:
        """What speaks for an answer among the hits, beside the answerability head.

        Returns:
            The best cosine of a passage, and the best of a sentence.
        """
        vector = self._query_vector(query)
        own = [self.index.passage_vectors.reconstruct(self._row(h.passage)) for h in hits]
        sentences = [self.sentence_similarities(query, hit) for hit in hits]
        return (
            max(float(row @ vector) for row in own),
            max((float(rows.max()) for rows in sentences if len(rows)), default=0.0),
        )

    def sentence_similarities(self, query: str, hit: Hit) -> npt.NDArray[np.float32]:
        """Cosine of the query with each quotable sentence of a hit, in order."""
        row = self._row(hit.passage)
        first, last = int(self.index.offsets[row]), int(self.index.offsets[row + 1])
        if first == last:
            return np.zeros(0, dtype=np.float32)
        vectors = self.index.sentence_vectors.reconstruct_n(first, last - first)
        return np.asarray(vectors @ self._query_vector(query), dtype=np.float32)

    def spans(self, passage: Passage) -> tuple[tuple[int, int], ...]:
        """The quotable sentences of a passage of this index."""
        return self.index.spans[self._row(passage)]

    def _row(self, passage: Passage) -> int:
        return self.index.rows[passage.id]

    def _dense_rows(self, vector: npt.NDArray[np.float32], count: int) -> set[int]:
        index = self.index
        _, rows = index.passage_vectors.search(vector, min(count, len(index.passages)))
        found = {int(row) for row in rows[0] if row >= 0}
        if index.sentence_vectors.ntotal:
            _, units = index.sentence_vectors.search(vector, min(count, int(index.offsets[-1])))
            owners = np.searchsorted(index.offsets, units[0], side="right") - 1
            found |= {int(row) for row in owners if row >= 0}
        return found

    def _score(self, item: Signals) -> float:
        config = self.config
        return (
            config.passage_weight * item.passage
            + config.sentence_weight * item.sentence
            + config.bm25_weight * item.bm25
        )

    def _reranked(
        self, query: str, scored: Sequence[tuple[float, Passage]]
    ) -> list[tuple[float, Passage]]:
        assert self.reranker is not None
        head = list(scored[: self.config.candidates])
        chances = np.clip(self.reranker.rerank(query, [p for _, p in head]), 1e-4, 1 - 1e-4)
        odds = np.log(chances / (1 - chances))
        weight = self.config.rerank_weight
        again = [(s + weight * float(o), p) for (s, p), o in zip(head, odds, strict=True)]
        return sorted(again, key=lambda pair: -pair[0]) + list(scored[self.config.candidates :])
