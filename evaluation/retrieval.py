"""Retrieval by itself: article recall, MRR and nDCG, from dense search up to what is configured."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bot.understanding import standalone
from evaluation.questions import Question
from evaluation.statistics import mean, percentiles, share, shown

if TYPE_CHECKING:
    from retrieval.retriever import RetrievalConfig, Retriever
    from retrieval.types import Hit

CUTS = (1, 3, 5, 10)
DEPTH = 50  # passages searched, so that ten articles are among them
Row = dict[str, Any]


def variants(retriever: "Retriever") -> dict[str, "RetrievalConfig"]:
    """Each adds one signal to the one before; the last is the retriever as configured.

    Weights are the configured ones. Without a reranker the last variant is left out.
    """
    full = retriever.config
    dense = {"passage_weight": full.passage_weight or 1.0, "candidates": 0}
    steps: dict[str, dict[str, float]] = {
        "dense": {**dense, "sentence_weight": 0.0, "bm25_weight": 0.0},
        "dense+sentences": {**dense, "bm25_weight": 0.0},
        "dense+sentences+bm25": {"candidates": 0},
    }
    found = {name: full.model_copy(update=update) for name, update in steps.items()}
    if retriever.reranker is not None and full.candidates and full.rerank_weight:
        found["dense+sentences+bm25+reranker"] = full
    return found


def rows(questions: Sequence[Question], retriever: "Retriever") -> Iterator[Row]:
    """Searches for each answerable question that lists articles, with every variant.

    Yields:
        One row a question: under `variants`, by name, the first ten articles, the rank of the
        first listed one (None: not found) and the milliseconds the search took.
    """
    from retrieval.retriever import Retriever

    retrievers = {
        name: Retriever(retriever.index, retriever.embedder, retriever.reranker, config)
        for name, config in variants(retriever).items()
    }
    for question in usable(questions):
        query = standalone(question.question, question.state())
        found = {name: _searched(each, query, question) for name, each in retrievers.items()}
        yield {
            "id": question.id,
            "kind": question.kind,
            "question": question.question,
            "query": query,
            "articles": list(question.articles),
            "variants": found,
        }


def usable(questions: Sequence[Question]) -> list[Question]:
    """The questions that retrieval can be measured on."""
    return [question for question in questions if question.answerable and question.articles]


def summary(found: Sequence[Row]) -> dict[str, Any]:
    """Metrics by variant, in order."""
    names = list(found[0]["variants"]) if found else []
    return {
        "n": len(found),
        "depth": DEPTH,
        "variants": {name: _metrics([row["variants"][name] for row in found]) for name in names},
    }


def tables(result: Row) -> list[list[list[str]]]:
    """One table, a row a metric, a column a variant."""
    columns = result["variants"]
    names = [*(f"recall@{cut}" for cut in CUTS), "mrr", "ndcg@10"]
    body = [[name, *(shown(found[name]) for found in columns.values())] for name in names]
    speed = ["median ms", *(str(found["ms"]["p50"]) for found in columns.values())]
    return [[["metric", *columns], *body, speed]]


def articles(hits: Sequence["Hit"]) -> list[str]:
    """The articles of hits, each once, where its best passage stands."""
    return list(dict.fromkeys(hit.passage.article_id for hit in hits))


def ndcg(ranked: Sequence[str], relevant: Sequence[str], cut: int = 10) -> float:
    """Normalised discounted cumulative gain with gains of 0 and 1.

    Source: Järvelin & Kekäläinen (2002), https://doi.org/10.1145/582415.582418
    """
    wanted = set(relevant)
    gain = sum(1 / math.log2(i + 2) for i, key in enumerate(ranked[:cut]) if key in wanted)
    return gain / sum(1 / math.log2(i + 2) for i in range(min(len(wanted), cut)))


def _searched(retriever: "Retriever", query: str, question: Question) -> Row:
    began = time.perf_counter()
    hits = retriever.search(query, DEPTH)
    spent = (time.perf_counter() - began) * 1000
    ranked = articles(hits)
    wanted = set(question.articles)
    rank = next((i for i, key in enumerate(ranked, start=1) if key in wanted), None)
    return {
        "rank": rank,
        "ndcg": ndcg(ranked, question.articles),
        "top": ranked[: max(CUTS)],
        "ms": round(spent, 2),
    }


def _metrics(found: Sequence[Row]) -> dict[str, Any]:
    """Recall@k: a listed article is among the first k, since each of them answers."""
    ranks = [row["rank"] for row in found]
    recall = {
        f"recall@{cut}": share([rank is not None and rank <= cut for rank in ranks]) for cut in CUTS
    }
    return {
        **recall,
        "mrr": mean([1 / rank if rank else 0.0 for rank in ranks]),
        "ndcg@10": mean([row["ndcg"] for row in found]),
        "ms": percentiles([row["ms"] for row in found]),
    }
