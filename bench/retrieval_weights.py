"""Chooses the retriever's weights on question sets: a grid over cached signals.

    python -m bench.retrieval_weights --set var/shop examples/questions/shop.jsonl \
        --set var/npm examples/questions/npm.jsonl

Per question the signals of all plausible passages and their answer log-odds are computed once;
a set of weights is then scored by arithmetic alone. Chosen are the weights with the highest mean
over the sets of the mean reciprocal rank, among those with which no set falls below dense search
alone at recall@1 or recall@3. With several sets the choice is also made without each set in turn
and measured on it: that is the number to believe. Leave out sets that the verifier was trained on
(gnome.jsonl): its head looks better there than it is.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models.errors import ConfigError, TruepennyError
from models.terminal import out, say

if TYPE_CHECKING:
    from retrieval.retriever import RetrievalConfig, Retriever

_ABOUT = "Chooses the weights of [retrieval] on question sets."
POOL = 20  # passages kept by each signal; a live search looks no deeper for its first hits
CUTS = (1, 3, 5)
GRID: dict[str, tuple[float, ...]] = {
    "passage_weight": (1.0, 0.0),  # only ratios matter, so it is there or not
    "sentence_weight": (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0),
    "bm25_weight": (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    "rerank_weight": (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2),
}
Weights = tuple[float, float, float, float]
Numbers = npt.NDArray[np.float64]
DENSE: Weights = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """A question's pool: signals (passages, 3), log-odds, article numbers, and which are right."""

    signals: Numbers
    odds: Numbers
    articles: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command; 0 fine, 1 nothing to choose or an error, 2 wrong use."""
    args = _arguments().parse_args(words)
    try:
        return _run(args.set, not args.no_rerank, args.limit, args.config, args.json)
    except TruepennyError as error:
        say(f"Error: {error}")
        return 2 if isinstance(error, ConfigError) else 1


def _arguments() -> argparse.ArgumentParser:
    """By argparse, since Typer knows no repeated option of two values."""
    found = argparse.ArgumentParser(prog="python -m bench.retrieval_weights", description=_ABOUT)
    add = found.add_argument
    add("--set", nargs=2, action="append", required=True, type=Path, metavar=("INDEX", "QUESTIONS"))
    add("--no-rerank", action="store_true", help="without the answerability head")
    add("--limit", type=int, help="at most so many questions a set, evenly spread")
    add("--config", type=Path, help="truepenny.toml")
    add("--json", action="store_true", help="JSON on stdout")
    return found


def _run(
    sets: Sequence[Sequence[Path]],
    rerank: bool,
    limit: int | None,
    config: Path | None,
    as_json: bool,
) -> int:
    caches, settings = _read(sets, rerank, limit, config)
    depth = settings.candidates or 1
    grid = [w for w in _combinations(rerank) if w[0] or w[1]]
    ranks = {name: {w: ranks_of(rows, w, depth) for w in grid} for name, rows in caches.items()}
    chosen = choose(ranks)
    result = {
        "sets": {name: len(rows) for name, rows in caches.items()},
        "chosen": _named(chosen) if chosen else None,
        "variants": _variants(caches, chosen or DENSE, _current(settings, rerank), depth),
        "held_out": held_out(ranks) if len(ranks) > 1 else {},
    }
    _print(result)
    if as_json:
        out(result)
    if chosen is None:
        say("Error: no weights keep every set at dense search's recall@1 and recall@3.")
    return 0 if chosen else 1


def cache(retriever: "Retriever", query: str, right: Sequence[str]) -> Cached:
    """Computes a question's signals, and the log-odds where the retriever has a reranker."""
    index = retriever.index
    found = retriever.candidates(query, len(index.passages))
    table = np.array([[item.passage, item.sentence, item.bm25] for item in found])
    keep = sorted({int(i) for column in table.T for i in np.argsort(-column)[:POOL]})
    passages = [index.passages[found[i].row] for i in keep]
    odds = np.zeros(len(keep))
    if retriever.reranker:
        chances = np.clip(retriever.reranker.rerank(query, passages), 1e-4, 1 - 1e-4)
        odds = np.log(chances / (1 - chances))
    names = [passage.article_id for passage in passages]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return Cached(
        signals=table[keep],
        odds=odds,
        articles=np.array([numbers[name] for name in names]),
        right=np.array([name in right for name in names]),
    )


def rank(row: Cached, chosen: Weights, depth: int) -> int | None:
    """The rank of the first right article, as `Retriever.search` would order; None: not there.

    Args:
        row: Of `cache`.
        chosen: The weights of passage, sentence, BM25 and reranker.
        depth: How many of the best the reranker sees.
    """
    scores = row.signals @ np.array(chosen[:3])
    order = np.argsort(-scores, kind="stable")
    if chosen[3]:
        head = order[:depth]
        again = scores[head] + chosen[3] * row.odds[head]
        order = np.concatenate([head[np.argsort(-again, kind="stable")], order[depth:]])
    hits = np.flatnonzero(row.right[order])
    if not hits.size:
        return None
    return len(set(row.articles[order[: hits[0]]].tolist())) + 1


def ranks_of(rows: Sequence[Cached], chosen: Weights, depth: int) -> Numbers:
    """Reciprocal ranks (questions,); 0 where no right article is in the pool."""
    found = [rank(row, chosen, depth) for row in rows]
    return np.array([1 / number if number else 0.0 for number in found])


def choose(ranks: dict[str, dict[Weights, Numbers]]) -> Weights | None:
    """The weights with the best mean MRR that keep every set at dense search's @1 and @3."""
    every = next(iter(ranks.values()))
    allowed = [w for w in every if all(_keeps(found, w) for found in ranks.values())]
    if not allowed:
        return None
    return max(allowed, key=lambda w: float(np.mean([r[w].mean() for r in ranks.values()])))


def held_out(ranks: dict[str, dict[Weights, Numbers]]) -> dict[str, Any]:
    """For each set: the weights chosen on the others, and what they give on it."""
    found = {}
    for name in ranks:
        chosen = choose({other: table for other, table in ranks.items() if other != name})
        if chosen:
            found[name] = {"weights": _named(chosen), **measures(ranks[name][chosen])}
    return found


def measures(reciprocal: Numbers) -> dict[str, float]:
    """Recall at the cuts and MRR."""
    at = {f"recall@{cut}": _recall(reciprocal, cut) for cut in CUTS}
    return {key: round(value, 4) for key, value in {**at, "mrr": float(reciprocal.mean())}.items()}


def _keeps(found: dict[Weights, Numbers], chosen: Weights) -> bool:
    return all(_recall(found[chosen], cut) >= _recall(found[DENSE], cut) for cut in (1, 3))


def _recall(reciprocal: Numbers, cut: int) -> float:
    return float((reciprocal >= 1 / cut - 1e-9).mean())


def _combinations(rerank: bool) -> list[Weights]:
    *first, last = GRID.values()
    return list(itertools.product(*first, last if rerank else (0.0,)))  # type: ignore[arg-type]


def _variants(
    caches: dict[str, list[Cached]], chosen: Weights, current: Weights, depth: int
) -> dict[str, dict[str, Any]]:
    """Each adds one signal of the chosen weights to the one before; the last is as configured."""
    passage, sentence, bm25, rerank = chosen
    steps = {
        "dense": DENSE,
        "+sentences": (passage, sentence, 0.0, 0.0) if passage or sentence else DENSE,
        "+bm25": (passage, sentence, bm25, 0.0),
        "+reranker": (passage, sentence, bm25, rerank),
        "configured": current,
    }
    return {
        name: {key: measures(ranks_of(rows, step, depth)) for key, rows in caches.items()}
        for name, step in steps.items()
    }


def _read(
    sets: Sequence[Sequence[Path]], rerank: bool, limit: int | None, config: Path | None
) -> tuple[dict[str, list[Cached]], "RetrievalConfig"]:
    from rich.console import Console
    from rich.progress import track

    from bot.understanding import standalone
    from evaluation.questions import InputError, load
    from evaluation.retrieval import usable
    from models.config import ModelsConfig, section
    from retrieval.embedder import load_embedder
    from retrieval.index import open_index
    from retrieval.retriever import RetrievalConfig, Retriever

    models = section(config, "models", ModelsConfig)
    settings = section(config, "retrieval", RetrievalConfig)
    embedder, reranker = load_embedder(models), None
    if rerank:
        from guards.verifier import load_verifier

        reranker = load_verifier(models)
    caches = {}
    for folder, file in sets:
        asked = usable(load(file, limit))
        if not asked:
            raise InputError(f"{file} has no answerable question that lists its articles")
        found = Retriever(open_index(folder, embedder.name), embedder, reranker, settings)
        bar = track(asked, description=file.stem, console=Console(stderr=True))
        caches[str(file)] = [
            cache(found, standalone(q.question, q.state()), q.articles) for q in bar
        ]
    return caches, settings


def _current(settings: "RetrievalConfig", rerank: bool) -> Weights:
    reranked = settings.rerank_weight if rerank and settings.candidates else 0.0
    first = (settings.passage_weight, settings.sentence_weight, settings.bm25_weight)
    return (*first, reranked)


def _named(chosen: Weights) -> dict[str, float]:
    return dict(zip(GRID, chosen, strict=True))


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True)
    rows = {**result["variants"], "held out": result["held_out"]}
    for name, count in result["sets"].items():
        names = [*(f"recall@{cut}" for cut in CUTS), "mrr"]
        table = Table(f"{Path(name).stem} ({count} questions)", *names)
        for variant, found in rows.items():
            if name in found:
                table.add_row(variant, *(f"{found[name][key]:.3f}" for key in names))
        console.print(table)
    if result["chosen"]:
        console.print("\n".join(f"{k} = {v:g}" for k, v in result["chosen"].items()))


if __name__ == "__main__":
    sys.exit(main())
