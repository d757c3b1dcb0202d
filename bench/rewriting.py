"""How near the rewriter comes to what people wrote, and what that is worth to retrieval.

Every follow-up question is taken as it was asked, with the word rules that serve now, as the
rewriter makes it stand alone, and as a person did. Words are compared with the person's (token
F1). Retrieval is over the answers of the file's own conversations, where it has any: is the
question's own answer found? Where it has none, over the persons' rewrites of the file. Both ways:
how many of the ten documents that the person's question finds does this one find?

    python -m bench.rewriting --rows trec_cast.jsonl --adapter var/rewriter
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from bot.prompt import rewriting
from bot.types import State
from bot.understanding import standalone
from evaluation.statistics import percentiles
from finetune.config import FinetuneConfig
from finetune.dataset.split import split
from finetune.rewrites import Rewrite, read_rewrites, token_f1
from models.config import ModelsConfig, section

K = 10
MAX_TOKENS = 40
Say = Callable[[Rewrite], str]
Embed = Callable[[Sequence[str]], Any]
HEADER = ("question", "token F1", "exact", f"answer in {K}", "of the person's", f"shared of {K}",
          "p50 ms", "p95 ms")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What is searched: texts, and which of them answers each question (None: not known)."""

    texts: tuple[str, ...]
    own: tuple[int | None, ...]


def documents(rewrites: Sequence[Rewrite]) -> Documents:
    """The answers of the conversations, else the persons' rewrites.

    The answer to a question stands in the history of the next question.
    """
    answers: dict[tuple[str, int], str] = {}
    for item in rewrites:
        for place, turn in enumerate(item.history):
            if turn.role == "assistant":
                answers[item.dialog, place] = turn.text
    if not answers:
        return Documents(texts=tuple(r.rewrite for r in rewrites), own=(None,) * len(rewrites))
    numbers = {key: n for n, key in enumerate(answers)}
    own = (numbers.get((item.dialog, len(item.history) + 1)) for item in rewrites)
    return Documents(texts=tuple(answers.values()), own=tuple(own))


def by_rules(item: Rewrite) -> str:
    """As the dialogue does without a rewriter."""
    return standalone(item.question, State(conversation_id="", turns=item.history))


def by_model(generator: Any) -> Say:
    """As the rewriter does; an empty line is no rewrite."""

    def say(item: Rewrite) -> str:
        text = str(generator.invoke(rewriting(item.question, item.history)).text)
        return " ".join(text.split()) or item.question

    return say


def measure(
    rewrites: Sequence[Rewrite], ways: Mapping[str, Say], embed: Embed
) -> dict[str, dict[str, Any]]:
    """Figures by way; the person's is added as the yardstick."""
    found = documents(rewrites)
    searched = np.asarray(embed(found.texts))
    best = _nearest(embed([item.rewrite for item in rewrites]), searched)
    person = _recall(best, found.own)
    results = {}
    for name, say in {**ways, "person": lambda item: item.rewrite}.items():
        texts, spent = _said(rewrites, say)
        near = _nearest(embed(texts), searched)
        recall = _recall(near, found.own)
        results[name] = {
            "n": len(rewrites),
            "token_f1": fmean(map(token_f1, texts, (item.rewrite for item in rewrites))),
            "exact": fmean(t == item.rewrite for t, item in zip(texts, rewrites, strict=True)),
            "recall": recall,
            "of_person": recall / person if recall is not None and person else None,
            "shared": fmean(len(a & b) / len(b) for a, b in zip(near, best, strict=True)),
            "ms": percentiles(spent),
        }
    return results


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a way, as Markdown."""
    lines: list[Sequence[str]] = [HEADER, ["---"] * len(HEADER)]
    for name, row in results.items():
        shares = (row[key] for key in ("token_f1", "exact", "recall", "of_person", "shared"))
        times = (f"{row['ms'][key]:.0f}" for key in ("p50", "p95"))
        lines.append([name, *("–" if s is None else f"{s:.3f}" for s in shares), *times])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _said(rewrites: Sequence[Rewrite], say: Say) -> tuple[list[str], list[float]]:
    texts, spent = [], []
    for item in rewrites:
        began = time.perf_counter()
        texts.append(say(item))
        spent.append((time.perf_counter() - began) * 1000)
    return texts, spent


def _nearest(queries: Any, searched: Any) -> list[set[int]]:
    order = np.argsort(-(np.asarray(queries) @ searched.T), axis=1, kind="stable")[:, :K]
    return [set(map(int, row)) for row in order]


def _recall(near: Sequence[set[int]], own: Sequence[int | None]) -> float | None:
    pairs = [(found, n) for found, n in zip(near, own, strict=True) if n is not None]
    return fmean(n in found for found, n in pairs) if pairs else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints the table."""
    from bot.generator import load_generator
    from retrieval.embedder import load_embedder

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, help="what `train rewriter` wrote")
    parser.add_argument("--held-out", action="store_true", help="only what its training held out")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--engine", default="onnx", choices=("onnx", "transformers"))
    parser.add_argument("--config", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    models = section(given.config, "models", ModelsConfig)
    rewrites = read_rewrites(given.rows)
    if given.held_out:
        settings = section(given.config, "finetune", FinetuneConfig)
        groups = [[item.dialog] for item in rewrites]
        rewrites = split(rewrites, groups, settings.held_out, settings.seed)[1]
    ways: dict[str, Say] = {"as asked": lambda item: item.question, "word rules": by_rules}
    if given.adapter:
        chosen = models.model_copy(update={"generator_adapter": str(given.adapter)})
        plain = {"max_tokens": MAX_TOKENS, "temperature": 0.0, "repetition_penalty": 1.0}
        ways["rewriter"] = by_model(load_generator(given.engine, chosen, **plain))
    results = measure(rewrites[: given.limit], ways, load_embedder(models).embed)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    print(f"{len(rewrites[: given.limit])} questions of {given.rows.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
