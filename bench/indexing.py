"""How long indexing takes: all of a help centre, and one changed article."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import BenchError, Figure
from models.config import ModelsConfig
from retrieval.chunk import embedded_text
from retrieval.embedder import Embedder, SentenceTransformerEmbedder, load_embedder
from retrieval.index import build, open_index
from retrieval.sources import read_all

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ADDED = "\n\nThe benchmark added this sentence to see how long one changed article takes.\n"
_EDITABLE = (".md", ".markdown", ".txt")
_WARM_UP = ("A first text, so that nothing is loaded or compiled while we measure. " * 12,) * 8


@dataclass
class _Timed:
    """An embedder that remembers what it embedded, and in how many seconds."""

    inner: Embedder
    name: str
    texts: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def embed(self, texts: Sequence[str]) -> "npt.NDArray[np.float32]":
        began = time.perf_counter()
        vectors = self.inner.embed(texts)
        self.seconds += time.perf_counter() - began
        self.texts.extend(texts)
        return vectors


def measure(centre: Path, models: ModelsConfig, work: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Indexes into work/index, then a changed copy of the help centre over a copy of that index.

    The naive pipeline embeds passages alone, with sentence-transformers' torch engine, and
    embeds all of them again when one article changes. Reading the sources counts for us only.

    Returns:
        The figures, and the counts they are about.
    """
    from models.resolve import embedder_folder

    engine = load_embedder(models)
    engine.embed(_WARM_UP)
    embedder = _Timed(engine, engine.name)
    began = time.perf_counter()
    built = build(read_all([centre]).articles, work / "index", embedder)
    cold = time.perf_counter() - began
    embedded, speed = list(embedder.texts), embedder.seconds
    changed, again = _changed_article(centre, embedder, work)
    passages = open_index(work / "index", embedder.name).passages
    texts = [embedded_text(passage) for passage in passages]
    naive_s = _naive_seconds(str(embedder_folder(models)), texts, models.threads)
    ours, theirs = _tokens(embedder_folder(models), embedded, texts)
    figures = [
        Figure(name="index_cold", unit="s", ours=cold, naive=naive_s),
        Figure(name="index_tokens_per_s", unit="tok/s", ours=ours / speed, naive=theirs / naive_s),
        Figure(name="index_changed_article", unit="s", ours=changed, naive=naive_s),
    ]
    counts = {
        "articles": built.articles, "passages": built.passages,
        "sentences": len(embedded) - built.passages, "tokens": ours, "tokens_naive": theirs,
        "embedded_again_for_one_article": again,
    }  # fmt: skip
    return figures, counts


def _changed_article(centre: Path, embedder: _Timed, work: Path) -> tuple[float, int]:
    """Seconds to index again after one article changed, and how many texts that embedded."""
    shutil.copytree(centre, work / "centre")
    shutil.copytree(work / "index", work / "changed")
    files = sorted(p for p in (work / "centre").rglob("*") if p.suffix.lower() in _EDITABLE)
    if not files:
        raise BenchError(f"{centre} has no file to change; expected one of {', '.join(_EDITABLE)}")
    file = files[len(files) // 2]
    file.write_text(file.read_text(encoding="utf-8") + ADDED, encoding="utf-8")
    before = len(embedder.texts)
    began = time.perf_counter()
    built = build(read_all([work / "centre"]).articles, work / "changed", embedder)
    spent = time.perf_counter() - began
    if not 0 < built.added + built.changed < built.passages:
        raise BenchError(f"changing {file.name} changed {built.changed} of {built.passages}")
    return spent, len(embedder.texts) - before


def _naive_seconds(folder: str, texts: Sequence[str], threads: int) -> float:
    import torch

    if threads:  # as many as our engine has
        torch.set_num_threads(threads)
    engine = SentenceTransformerEmbedder(folder)
    engine.embed(_WARM_UP)
    began = time.perf_counter()
    engine.embed(texts)
    return time.perf_counter() - began


def _tokens(folder: Path, *groups: Sequence[str]) -> list[int]:
    """Tokens of each group of texts, as both engines cut them."""
    from models.cross_encoder import prepare

    tokenizer = prepare(folder / "tokenizer.json")
    return [sum(len(item.ids) for item in tokenizer.encode_batch(list(group))) for group in groups]
