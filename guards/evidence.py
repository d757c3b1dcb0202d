"""Passages from texts that a caller brings, for checking without an index."""

from collections.abc import Sequence

from retrieval.types import Passage


def as_passages(texts: Sequence[str], ids: Sequence[str] | None = None) -> list[Passage]:
    """Wraps texts as passages; ids count from 1 unless given."""
    names = ids or [str(n) for n in range(1, len(texts) + 1)]
    return [
        Passage(id=name, article_id=name, title="", headings=(), text=text, start=0, end=len(text))
        for name, text in zip(names, texts, strict=True)
    ]
