"""The words of retrieval: article, passage, hit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One page of a help centre, its markup cleaned to readable Markdown."""

    id: str
    title: str
    url: str | None = None
    text: str
    language: str = "en"
    updated_at: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of an article: `text == article.text[start:end]` (characters).

    `id` is a hash of what is embedded, so an unchanged passage keeps its id and its vector.
    """

    id: str
    article_id: str
    title: str
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage found for a query; a higher score is better, ranks count from 1."""

    passage: Passage
    score: float
    rank: int


class Reranker(Protocol):
    """Scores how well each passage answers the query."""

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """Returns one probability a passage, in the given order."""
        ...
