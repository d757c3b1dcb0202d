"""InfoNCE with in-batch and mined hard negatives, for the embedder.

With unit vectors q_i, d_j and temperature tau, over all documents j of the batch (every query's
positive and its hard negatives):

    L = - sum over i of log( exp(q_i . d_i / tau) / sum over j of exp(q_i . d_j / tau) )

A document that is known to answer query i too is no negative for it.

Source: van den Oord et al. 2018, https://arxiv.org/abs/1807.03748, equation 4; Karpukhin et al.
    2020, https://arxiv.org/abs/2004.04906, equation 2 (in-batch and hard negatives).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch

from finetune.objectives.types import Batch, mask, pad, pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Triple:
    """A query, the document that answers it and some that don't: (key, token ids) each.

    `answers` are the keys of all documents known to answer the query.
    """

    query: list[int]
    positive: tuple[str, list[int]]
    negatives: tuple[tuple[str, list[int]], ...]
    answers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoNCE:
    """Ranking of the right document before all others of the batch."""

    padding: int
    temperature: float

    def length(self, item: Triple) -> int:
        """Tokens of the query and its documents."""
        documents = [item.positive, *item.negatives]
        return len(item.query) + sum(len(ids) for _, ids in documents)

    def collate(self, items: Sequence[Triple], rng: Random) -> Batch:
        """Queries (n, width), documents (m, width), each query's row, and what it may see."""
        documents = dict(
            document for item in items for document in (item.positive, *item.negatives)
        )
        keys = list(documents)
        seen = [
            [key == item.positive[0] or key not in item.answers for key in keys] for item in items
        ]
        queries, texts = [item.query for item in items], list(documents.values())
        return {
            "queries": pad(queries, self.padding),
            "queries_mask": mask(queries),
            "documents": pad(texts, self.padding),
            "documents_mask": mask(texts),
            "target": torch.tensor([keys.index(item.positive[0]) for item in items]),
            "seen": torch.tensor(seen),
        }

    def terms(self, batch: Batch) -> int:
        """Queries."""
        return len(batch["queries"])

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed cross-entropy of the right documents."""
        queries, documents = (
            torch.nn.functional.normalize(pooled(model, batch[name], batch[f"{name}_mask"]), dim=-1)
            for name in ("queries", "documents")
        )
        # no matrix product: autocast would round it to bfloat16, too coarse for a temperature
        scores = (queries.unsqueeze(1) * documents).sum(-1) / self.temperature
        scores = scores.masked_fill(~batch["seen"], float("-inf"))
        return torch.nn.functional.cross_entropy(scores, batch["target"], reduction="sum")


def hard_negatives(
    queries: "np.ndarray",
    documents: "np.ndarray",
    positives: Sequence[set[int]],
    count: int,
    margin: float = 0.02,
) -> list[list[int]]:
    """The documents that the present embedder confuses most with the right one.

    Those within `margin` of the positive's similarity or above it are passed over: as often as
    not they answer the query too.

    Args:
        queries: Unit vectors (n, width).
        documents: Unit vectors (m, width).
        positives: The documents that answer each query; never its negatives.
        count: Of negatives a query, at most.
        margin: Of cosine similarity.

    Source: Moreira et al. 2024, https://arxiv.org/abs/2407.15831 (positive-aware mining).
    """
    found = []
    for scores, right in zip(queries @ documents.T, positives, strict=True):
        most = max((scores[n] for n in right), default=1.0) - margin
        order = np.argsort(-scores, kind="stable")
        found.append([int(n) for n in order if n not in right and scores[n] < most][:count])
    return found
