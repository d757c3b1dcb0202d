"""BM25 over the passages: exact words, product names and codes that vectors blur.

Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Lexical:
    """A BM25 index (bm25s, English stemming), one document a passage."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    @classmethod
    def build(cls, texts: Sequence[str]) -> "Lexical":
        """Indexes texts, in order."""
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it narrates its indexing
        engine = bm25s.BM25(method="lucene")
        engine.index(_tokens(list(texts)), show_progress=False)
        return cls(engine)

    @classmethod
    def load(cls, folder: Path) -> "Lexical":
        """Loads a saved index, its scores memory-mapped."""
        import bm25s

        return cls(bm25s.BM25.load(str(folder), mmap=True))

    def save(self, folder: Path) -> None:
        """Writes the index into a folder."""
        self._engine.save(str(folder), show_progress=False)

    @property
    def documents(self) -> int:
        """How many documents are indexed."""
        return int(self._engine.scores["num_docs"])

    def scores(self, query: str) -> npt.NDArray[np.float32]:
        """BM25 of every document, in order; zeros where no word of the query is known."""
        known = [t for t in _tokens([query], as_words=True)[0] if t in self._engine.vocab_dict]
        if not known:
            return np.zeros(self.documents, dtype=np.float32)
        return np.asarray(self._engine.get_scores(known), dtype=np.float32)


_STEMMER: Any = None


def _tokens(texts: list[str], as_words: bool = False) -> Any:
    import bm25s

    global _STEMMER
    if _STEMMER is None:
        import Stemmer

        _STEMMER = Stemmer.Stemmer("english")
    return bm25s.tokenize(
        texts, stopwords="en", stemmer=_STEMMER, show_progress=False, return_ids=not as_words
    )
