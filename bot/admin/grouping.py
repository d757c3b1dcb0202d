"""Questions grouped by meaning, each group with the article nearest to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bot.admin.types import Asked, Group, Nearest
from bot.service.lane import Lane
from bot.service.problems import ProblemError
from bot.service.readiness import Readiness
from models.errors import TruepennyError

if TYPE_CHECKING:
    from retrieval.retriever import Retriever

SAME = 0.5  # mean cosine from which questions are one group; docs/admin.md says how it was chosen
BATCH = 32
KEPT = 5000
SHOWN = 30
Vectors = npt.NDArray[np.float32]


class Grouping:
    """Groups questions with the service's own embedder; what it worked out is kept.

    It works in the lane of searches, in small pieces, so that it never holds them up for long.
    """

    def __init__(self, readiness: Readiness, lookups: Lane) -> None:
        self._readiness = readiness
        self._lookups = lookups
        self._vectors: dict[tuple[str, str], Vectors] = {}
        self._nearest: dict[tuple[str, str], Nearest | None] = {}

    async def groups(self, asked: Sequence[Asked]) -> tuple[list[Group], str]:
        """The groups, the largest first, and why they aren't by meaning, if they aren't.

        Args:
            asked: The questions, newest first.
        """
        same = by_wording(asked)
        try:
            retriever = self._readiness.parts()["retriever"]
            vectors = await self._embedded([group.question for group in same], retriever)
            if not np.isfinite(vectors).all():
                return same, "The embedder gave no usable vectors."
            found = await asyncio.to_thread(by_meaning, same, vectors)
            near = [await self._near(group.question, retriever) for group in found[:SHOWN]]
        except (ProblemError, TruepennyError) as error:
            return same, error.detail if isinstance(error, ProblemError) else str(error)
        shown = [replace(group, nearest=n) for group, n in zip(found, near, strict=False)]
        return shown + found[SHOWN:], ""

    async def _embedded(self, texts: Sequence[str], retriever: "Retriever") -> Vectors:
        embedder = retriever.embedder
        new = [text for text in texts if (embedder.name, text) not in self._vectors]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            rows = await self._lookups.call(partial(embedder.embed, batch))
            for text, row in zip(batch, rows, strict=True):
                self._vectors[embedder.name, text] = row
        found = [self._vectors[embedder.name, text] for text in texts]
        _trim(self._vectors)
        return np.stack(found) if found else np.zeros((0, 1), dtype=np.float32)

    async def _near(self, question: str, retriever: "Retriever") -> Nearest | None:
        key = (retriever.version, question)
        if key not in self._nearest:
            hits = await self._lookups.call(lambda: retriever.search(question, 1))
            found = [Nearest(title=hit.passage.title, url=hit.passage.url) for hit in hits]
            self._nearest[key] = found[0] if found else None
            _trim(self._nearest)
        return self._nearest[key]


def by_wording(asked: Sequence[Asked]) -> list[Group]:
    """Questions of the same words together, whatever their case, the largest group first."""
    found: dict[str, list[Asked]] = {}
    for each in asked:
        found.setdefault(" ".join(each.text.casefold().split()), []).append(each)
    return _largest_first(
        Group(question=each[0].text, asked=tuple(each)) for each in found.values()
    )


def by_meaning(groups: Sequence[Group], vectors: Vectors) -> list[Group]:
    """Joins groups while those that are nearest have a mean cosine of `SAME` or more.

    Args:
        groups: Questions.
        vectors: `(groups, width)`, rows of length 1.

    Returns:
        The joined groups, the largest first; the question nearest to the middle stands for each.
    """
    if len(groups) < 2:
        return list(groups)
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(vectors, method="average", metric="cosine")
    labels = fcluster(tree, t=1 - SAME, criterion="distance")
    return _largest_first(
        _joined(groups, vectors, labels == label) for label in range(1, max(labels) + 1)
    )


def _joined(groups: Sequence[Group], vectors: Vectors, members: npt.NDArray[np.bool_]) -> Group:
    rows = np.flatnonzero(members)
    middle = vectors[rows].sum(axis=0)
    central = int(rows[np.argmax(vectors[rows] @ middle)])
    asked = sorted(
        (each for row in rows.tolist() for each in groups[row].asked), key=lambda each: each.at
    )
    return Group(question=groups[central].question, asked=tuple(reversed(asked)))


def _largest_first(groups: Any) -> list[Group]:
    return sorted(groups, key=lambda group: (len(group.asked), group.asked[0].at), reverse=True)


def _trim(kept: dict[Any, Any]) -> None:
    """Forgets what was worked out first."""
    for key in list(kept)[: max(0, len(kept) - KEPT)]:
        del kept[key]
