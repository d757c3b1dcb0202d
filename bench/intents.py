"""Intents from few examples and "none of these": the bot's classifier beside simpler ones.

Ten examples an intent are drawn by a seed, several times. On clinc150 a message below a threshold
is none of the intents. The threshold is chosen without the test rows: on `dev`, the highest one
that keeps in-scope accuracy at its aim and a standard error more; or by `left out`, from the
drawn examples alone, each scored by a classifier that hasn't seen it. banking77 has no outside.
`triggers` is how flows with these examples would begin.

    python -m bench.intents --data ../shared/data/intents --cache /tmp/intents
"""

import argparse
import csv
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from bot.dialogue.flows import Flows
from bot.dialogue.intents import IntentClassifier
from bot.dialogue.schema import Flow, Say
from bot.dialogue.triggers import Triggers
from evaluation.statistics import percentiles, wilson
from retrieval.embedder import Embedder

AIM = 0.88
REFUSED = 0.03  # share of the examples known rightly when left out that `left out` gives up
TIMED = 200
Scores = Callable[[Any], Any]
Fit = Callable[[Sequence[Any]], Scores]
HEADER = ("set", "method", "threshold", "in scope, no threshold", "in scope", "out of scope",
          "AUC")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Texts with their vectors and intents; the intent is None outside of all."""

    texts: tuple[str, ...]
    rows: Any
    labels: tuple[str | None, ...]


def nearest(examples: Sequence[Any]) -> Scores:
    """Cosine of the nearest example."""
    return lambda rows: np.stack([(rows @ own.T).max(axis=1) for own in examples], axis=1)


def class_mean(examples: Sequence[Any]) -> Scores:
    """Cosine of the mean of an intent's examples."""
    means = np.stack([own.mean(axis=0) for own in examples])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return lambda rows: rows @ means.T


def regression(examples: Sequence[Any]) -> Scores:
    """Log probability of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    labels = np.repeat(np.arange(len(examples)), [len(own) for own in examples])
    fitted = LogisticRegression(C=10.0, max_iter=1000).fit(np.concatenate([*examples]), labels)
    return lambda rows: fitted.predict_log_proba(rows)


def mahalanobis(examples: Sequence[Any], shrinkage: float = 0.5) -> Scores:
    """Distance under a shared, shrunk covariance, relative to that of the middle of all.

    Source: Ren et al. (2021), https://arxiv.org/abs/2106.09022
    """
    means = np.stack([own.mean(axis=0) for own in examples]).astype(float)
    apart = np.concatenate([own - own.mean(axis=0) for own in examples])
    within = apart.T @ apart / max(len(apart) - len(examples), 1)
    width = len(within)
    round_ = (np.trace(within) / width + 1e-6) * np.eye(width)
    white = np.linalg.inv(np.linalg.cholesky((1 - shrinkage) * within + shrinkage * round_)).T
    middle = np.concatenate([*examples]).mean(axis=0)

    def scores(rows: Any) -> Any:
        back = (((rows - middle) @ white) ** 2).sum(axis=1)
        there = [(((rows - mean) @ white) ** 2).sum(axis=1) for mean in means]
        return back[:, None] - np.stack(there, axis=1)

    return scores


METHODS: dict[str, Fit] = {
    "nearest example": nearest,
    "class mean": class_mean,
    "LDA, relative distance": mahalanobis,
    "logistic regression": regression,
    "the bot's": lambda examples: IntentClassifier(examples).scores,
}


def read_clinc(path: Path) -> dict[str, list[tuple[str, str | None]]]:
    """Rows by part: train, dev, test; those outside of all intents stand among the last two."""
    parts = json.loads(path.read_text(encoding="utf-8"))
    return {
        "train": [(text, intent) for text, intent in parts["train"]],
        "dev": [*parts["val"], *((text, None) for text, _ in parts["oos_val"])],
        "test": [*parts["test"], *((text, None) for text, _ in parts["oos_test"])],
    }


def read_banking(folder: Path) -> dict[str, list[tuple[str, str | None]]]:
    """Rows by part: train and test."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            found[part] = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return found


def embedded(
    rows: Sequence[tuple[str, str | None]], embedder: Embedder, cache: Path | None
) -> Labelled:
    """Vectors of rows, the short ones first so that batches are even; kept in `cache`."""
    texts = tuple(text for text, _ in rows)
    if cache and cache.exists():
        vectors = np.load(cache)
    else:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batches = [order[at : at + 32] for at in range(0, len(order), 32)]
        made = np.concatenate([embedder.embed([texts[i] for i in batch]) for batch in batches])
        vectors = made[np.argsort(order)]
        if cache:
            cache.parent.mkdir(parents=True, exist_ok=True)
            np.save(cache, vectors)
    return Labelled(texts=texts, rows=vectors, labels=tuple(label for _, label in rows))


def drawn(train: Labelled, shots: int, seed: int) -> dict[str, list[int]]:
    """Places of some examples of each intent."""
    random = np.random.default_rng(seed)
    places: dict[str, list[int]] = {}
    for at, label in enumerate(train.labels):
        assert label is not None
        places.setdefault(label, []).append(at)
    return {
        label: sorted(map(int, random.choice(places[label], shots, replace=False)))
        for label in sorted(places)
    }


def measure(
    parts: Mapping[str, Labelled], shots: int, seeds: Sequence[int]
) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Figures by method and way to the threshold, one a seed."""
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for seed in seeds:
        chosen = drawn(parts["train"], shots, seed)
        examples = [parts["train"].rows[places] for places in chosen.values()]
        for name, fit in METHODS.items():
            scores = fit(examples)
            best, right = _best(parts["test"], scores, list(chosen))
            ways = _thresholds(fit, examples, parts, scores, list(chosen))
            for way, least in ways.items():
                said = _figures(parts["test"], best, right, best >= least)
                found.setdefault((name, way), []).append(said)
        began, right = _begun(parts, chosen)
        figures = _figures(parts["test"], began, right, began > 0)
        figures["plain"] = figures["auc"] = math.nan
        found.setdefault(("triggers", "of each flow"), []).append(figures)
    return found


def _thresholds(
    fit: Fit, examples: Sequence[Any], parts: Mapping[str, Labelled], scores: Scores,
    intents: Sequence[str],
) -> dict[str, float]:  # fmt: skip
    if "dev" not in parts:
        return {"none": -math.inf}
    return {
        "dev": on_dev(parts["dev"], *_best(parts["dev"], scores, intents)),
        "left out": left_out(fit, examples, REFUSED),
    }


def on_dev(dev: Labelled, best: Any, right: Any) -> float:
    """The highest threshold that keeps the aim on dev; the lowest score where none does."""
    inside = np.array([label is not None for label in dev.labels])
    n = int(inside.sum())
    least = AIM + math.sqrt(AIM * (1 - AIM) / n)
    kept = np.sort(best[inside & right])
    needed = math.ceil(least * n)
    return float(kept[len(kept) - needed] if needed <= len(kept) else best.min())


def left_out(fit: Fit, examples: Sequence[Any], refused: float) -> float:
    """The threshold below which `refused` of the examples that are known when left out fall.

    One example of every intent is left out at a time: as many fits as an intent has examples.
    """
    found = []
    for at in range(len(examples[0])):
        scores = fit([np.delete(own, at, axis=0) for own in examples])
        left = scores(np.stack([own[at] for own in examples]))
        found.append(left.max(axis=1)[left.argmax(axis=1) == np.arange(len(examples))])
    return float(np.quantile(np.concatenate(found), refused))


def _best(given: Labelled, scores: Scores, intents: Sequence[str]) -> tuple[Any, Any]:
    """The best intent's score of each row, and whether it is the right one."""
    table = scores(given.rows)
    wanted = np.array([intents.index(label) if label else -1 for label in given.labels])
    return table.max(axis=1), table.argmax(axis=1) == wanted


def _figures(given: Labelled, best: Any, right: Any, taken: Any) -> dict[str, float]:
    inside = np.array([label is not None for label in given.labels])
    outside = best[~inside]
    return {
        "plain": float(right[inside].mean()),
        "inside": float((right & taken)[inside].mean()),
        "outside": float((~taken[~inside]).mean()) if len(outside) else math.nan,
        "auc": _auc(best[inside], outside) if len(outside) else math.nan,
    }


def _auc(inside: Any, outside: Any) -> float:
    from sklearn.metrics import roc_auc_score

    truth = [True] * len(inside) + [False] * len(outside)
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))


def _begun(parts: Mapping[str, Labelled], chosen: Mapping[str, Sequence[int]]) -> tuple[Any, Any]:
    """Which test rows begin a flow, and whether the likeliest is the right one."""
    train, test = parts["train"], parts["test"]
    known = {
        text: row for part in (train, test) for text, row in zip(part.texts, part.rows, strict=True)
    }
    names = {f"i{n}": intent for n, intent in enumerate(chosen)}
    flows = {
        name: Flow(
            title=train.texts[chosen[intent][0]],
            examples=tuple(train.texts[at] for at in chosen[intent]),
            steps=(Say(id="s", say=("x",)),),
        )
        for name, intent in names.items()
    }
    triggers = Triggers(Flows(flows=flows), _Known(known))
    began, right = [], []
    for text, label in zip(test.texts, test.labels, strict=True):
        sure = [match for match in triggers.match(text) if match.sure]
        began.append(bool(sure))
        right.append(bool(sure) and names[sure[0].flow] == label)
    return np.array(began, dtype=float), np.array(right)


@dataclass(frozen=True, slots=True)
class _Known:
    """Vectors that were made before; a sentence of a longer message stands for nothing."""

    rows: Mapping[str, Any]
    name: str = "known"

    def embed(self, texts: Sequence[str]) -> Any:
        nothing = np.zeros_like(next(iter(self.rows.values())))
        return np.stack([self.rows.get(text, nothing) for text in texts])


def speed(parts: Mapping[str, Labelled], shots: int, embedder: Embedder) -> dict[str, float]:
    """Milliseconds a message, embedded and classified by itself."""
    chosen = drawn(parts["train"], shots, 0)
    classifier = IntentClassifier([parts["train"].rows[at] for at in chosen.values()])
    spent = []
    for text in parts["test"].texts[:TIMED]:
        began = time.perf_counter()
        classifier.scores(embedder.embed([text]))
        spent.append((time.perf_counter() - began) * 1000)
    return percentiles(spent)


def table(
    name: str, found: Mapping[tuple[str, str], Sequence[Mapping[str, float]]], given: Labelled
) -> list[list[str]]:
    """A row a method and threshold: means over the seeds and Wilson's interval of them."""
    inside = sum(label is not None for label in given.labels)
    sizes = {"plain": inside, "inside": inside, "outside": len(given.labels) - inside}
    lines = []
    for (method, way), seeds in found.items():
        cells = [name, method, way]
        for key, n in sizes.items():
            cells.append(_shown([figures[key] for figures in seeds], n))
        auc = fmean(figures["auc"] for figures in seeds)
        lines.append([*cells, "–" if math.isnan(auc) else f"{auc:.3f}"])
    return lines


def _shown(values: Sequence[float], n: int) -> str:
    mean = fmean(values)
    if math.isnan(mean):
        return "–"
    low, high = wilson(round(mean * n), n)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures both sets and prints the table."""
    from models.config import ModelsConfig, section
    from retrieval.embedder import load_embedder

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="with clinc150/ and banking77/")
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="a folder for the vectors")
    parser.add_argument("--config", type=Path)
    given = parser.parse_args(arguments)
    embedder = load_embedder(section(given.config, "models", ModelsConfig))
    sets = {
        "clinc150": read_clinc(given.data / "clinc150/data_full.json"),
        "banking77": read_banking(given.data / "banking77"),
    }
    lines = [[*HEADER], ["---"] * len(HEADER)]
    for name, rows in sets.items():
        parts = {}
        for part, own in rows.items():
            kept = given.cache / f"{embedder.name}-{name}-{part}.npy" if given.cache else None
            parts[part] = embedded(own, embedder, kept)
        found = measure(parts, given.shots, range(given.seeds))
        lines += table(name, found, parts["test"])
        times = speed(parts, given.shots, embedder)
        print(f"{name}: {json.dumps(times)} ms a message", file=sys.stderr)
    print("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    print(f"{given.shots} examples an intent, {given.seeds} seeds", file=sys.stderr)


if __name__ == "__main__":
    main()
