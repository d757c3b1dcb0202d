"""The index: a versioned folder of vectors, BM25 and passages, swapped in atomically.

    DIR/CURRENT                  the name of the version that serves
    DIR/<version>/manifest.json  format, embedder, counts, when
                  passages.jsonl one passage a line, with its sentence spans
                  passages.faiss inner product of unit vectors, one row a passage
                  sentences.faiss one row a sentence, in passage order
                  bm25/          over title, headings and text

A version is written whole beside the others, then CURRENT is replaced by a rename, so a reader
sees the old or the new one and a killed build changes nothing.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.chunk import embedded_text, passages
from retrieval.embedder import Embedder
from retrieval.errors import IndexUnusable, RetrievalError
from retrieval.lexical import Lexical
from retrieval.sentences import is_heading, sentence_spans, without_mark
from retrieval.types import Article, Passage

FORMAT = 1
KEEP_VERSIONS = 2
Vectors = npt.NDArray[np.float32]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What one run of `build` did. Counts are passages, except `articles`."""

    articles: int
    passages: int
    added: int
    changed: int
    removed: int
    seconds: float
    version: str


@dataclass(frozen=True, slots=True)
class Index:
    """An opened index.

    Row i of `passage_vectors` belongs to passages[i], and `rows` says i by passage id; its
    sentences are rows offsets[i] to offsets[i + 1] of `sentence_vectors`.
    """

    version: str
    passages: tuple[Passage, ...]
    rows: Mapping[str, int]
    spans: tuple[Spans, ...]
    offsets: npt.NDArray[np.int64]
    passage_vectors: Any
    sentence_vectors: Any
    lexical: Lexical


def quotable_spans(text: str, language: str = "en") -> Spans:
    """The sentences of a passage that state something: headings and crumbs are left out."""
    spans = sentence_spans(text, language)
    return tuple(
        (start, end)
        for start, end in spans
        if not is_heading(text[start:end])
        and (len(without_mark(text[start:end]).split()) >= 2 or text[start:end].endswith(":"))
    )


def build(
    articles: Sequence[Article],
    out: Path,
    embedder: Embedder,
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Builds a new version and makes it the current one; unchanged passages keep their vectors.

    Args:
        articles: All articles of the help centre; what is missing here is removed.
        out: The index folder.
        embedder: For what changed.
        progress: Called with (texts embedded, texts to embed).

    Raises:
        RetrievalError: No articles, the disk is full, or `out` isn't an index folder.
    """
    began = time.monotonic()
    found = [passage for article in articles for passage in passages(article)]
    if not found:
        raise RetrievalError("no passages to index: the sources hold no readable text")
    languages = {article.id: article.language for article in articles}
    spans = [quotable_spans(p.text, languages[p.article_id]) for p in found]
    if out.exists() and not out.is_dir():
        raise RetrievalError(f"{out} is a file, expected a folder for the index; name another")
    out.mkdir(parents=True, exist_ok=True)
    with _only_builder(out), _disk_full_is_an_error(out):
        old = _open_or_none(out, embedder.name)
        vectors, sentence_vectors = _vectors(found, spans, old, embedder, progress)
        version = _write(out, embedder.name, found, spans, vectors, sentence_vectors)
        _point_to(out, version)
        _drop_old(out, version)
    return Built(
        articles=len(articles), passages=len(found), seconds=round(time.monotonic() - began, 2),
        version=version, **_changes(found, old.passages if old else ()),
    )  # fmt: skip


def open_index(folder: Path, embedder_name: str) -> Index:
    """Opens the current version, vectors memory-mapped.

    Raises:
        IndexUnusable: There is none, it is of another format or embedder, or a file is missing.
    """
    import faiss

    pointer = folder / "CURRENT"
    if not pointer.exists():
        raise IndexUnusable(
            f"no index in {folder}: expected {pointer}; make one with `truepenny index SOURCE "
            f"--out {folder}`"
        )
    try:
        version = pointer.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise IndexUnusable(f"{pointer} can't be read ({error}); index again") from None
    here = folder / version
    manifest = _manifest(here)
    if manifest.get("format") != FORMAT:
        raise IndexUnusable(
            f"{here} has index format {manifest.get('format')}, this release reads {FORMAT}; "
            "index the sources again"
        )
    if manifest.get("embedder") != embedder_name:
        raise IndexUnusable(
            f"{here} was made by the embedder {manifest.get('embedder')}, the configuration names "
            f"{embedder_name}; index the sources again or change [models] embedder"
        )
    try:
        with (here / "passages.jsonl").open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
        vectors = faiss.read_index(str(here / "passages.faiss"), flags)
        sentences = faiss.read_index(str(here / "sentences.faiss"), flags)
        lexical = Lexical.load(here / "bm25")
        spans = tuple(tuple((a, b) for a, b in row.pop("sentences")) for row in rows)
        found = tuple(Passage(**{**row, "headings": tuple(row["headings"])}) for row in rows)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexUnusable(f"{here} is damaged ({error!r}); index the sources again") from None
    offsets = np.cumsum([0, *(len(item) for item in spans)])
    whole = vectors.ntotal == len(rows) == lexical.documents and sentences.ntotal == offsets[-1]
    if not whole or vectors.d != sentences.d:
        raise IndexUnusable(
            f"{here} is damaged: {len(rows)} passages and {offsets[-1]} sentences, but vectors "
            f"of {vectors.ntotal} and {sentences.ntotal} and BM25 of {lexical.documents}; index "
            "the sources again"
        )
    numbers = {p.id: i for i, p in enumerate(found)}
    return Index(version, found, numbers, spans, offsets, vectors, sentences, lexical)


def _manifest(here: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((here / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexUnusable(f"{here} is damaged ({error}); index the sources again") from None
    if not isinstance(manifest, dict):
        raise IndexUnusable(f"{here / 'manifest.json'} is damaged; index the sources again")
    return manifest


def _open_or_none(out: Path, embedder_name: str) -> Index | None:
    try:
        return open_index(out, embedder_name)
    except IndexUnusable:
        return None


def _vectors(
    found: Sequence[Passage],
    spans: Sequence[Spans],
    old: Index | None,
    embedder: Embedder,
    progress: Callable[[int, int], None] | None,
) -> tuple[Vectors, Vectors]:
    """Passage and sentence vectors, taken from the old index where the passage is unchanged."""
    known = [old.rows.get(p.id, -1) if old else -1 for p in found]
    if old:  # another release may cut sentences otherwise: then embed again
        known = [
            row if row >= 0 and old.spans[row] == spans[i] else -1 for i, row in enumerate(known)
        ]
    new = [i for i, row in enumerate(known) if row < 0]
    texts = [embedded_text(found[i]) for i in new]
    counts = [len(spans[i]) for i in new]
    texts += [_sentence_text(found[i], span) for i in new for span in spans[i]]
    fresh = _embed(embedder, texts, progress)
    passage_rows: list[Vectors] = [np.empty(0, np.float32)] * len(found)
    sentence_rows: list[Vectors] = [np.empty((0, 0), np.float32)] * len(found)
    at = len(new)
    for order, (i, count) in enumerate(zip(new, counts, strict=True)):
        passage_rows[i], sentence_rows[i] = fresh[order], fresh[at : at + count]
        at += count
    for i, row in enumerate(known):
        if row >= 0 and old:
            passage_rows[i] = old.passage_vectors.reconstruct(row)
            first, last = int(old.offsets[row]), int(old.offsets[row + 1])
            sentence_rows[i] = old.sentence_vectors.reconstruct_n(first, last - first)
    width = passage_rows[0].shape[0]
    return np.stack(passage_rows), np.concatenate([r.reshape(-1, width) for r in sentence_rows])


def _sentence_text(passage: Passage, span: tuple[int, int]) -> str:
    return f"{passage.title}\n{without_mark(passage.text[span[0] : span[1]])}"


def _embed(
    embedder: Embedder, texts: Sequence[str], progress: Callable[[int, int], None] | None
) -> Vectors:
    """Embeds in slices of like length, so that progress moves and padding stays small."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts: list[Vectors] = []
    for at in range(0, len(order), 512):
        parts.append(embedder.embed([texts[i] for i in order[at : at + 512]]))
        if progress:
            progress(min(at + 512, len(order)), len(order))
    if not parts:
        return np.zeros((0, 0), dtype=np.float32)
    sorted_rows = np.concatenate(parts)
    vectors = np.empty_like(sorted_rows)
    vectors[order] = sorted_rows
    return vectors


def _write(
    out: Path,
    embedder_name: str,
    found: Sequence[Passage],
    spans: Sequence[Spans],
    vectors: Vectors,
    sentence_vectors: Vectors,
) -> str:
    import faiss

    digest = hashlib.sha256("".join(p.id for p in found).encode() + embedder_name.encode())
    stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.{time.time_ns() % 10**9:09d}"
    version = f"{stamp}-{digest.hexdigest()[:8]}"
    temporary = out / f".tmp-{version}"
    temporary.mkdir()
    try:
        for name, matrix in (("passages", vectors), ("sentences", sentence_vectors)):
            flat = faiss.IndexFlatIP(vectors.shape[1])
            flat.add(np.ascontiguousarray(matrix, dtype=np.float32))
            faiss.write_index(flat, str(temporary / f"{name}.faiss"))
        with (temporary / "passages.jsonl").open("w", encoding="utf-8") as lines:
            for passage, cut in zip(found, spans, strict=True):
                lines.write(json.dumps({**asdict(passage), "sentences": cut}) + "\n")
        Lexical.build([embedded_text(p) for p in found]).save(temporary / "bm25")
        manifest = {"format": FORMAT, "embedder": embedder_name, "passages": len(found)}
        (temporary / "manifest.json").write_text(json.dumps(manifest) + "\n", encoding="utf-8")
        for path in (*temporary.rglob("*"), temporary):
            _sync(path)
        temporary.rename(out / version)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return version


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _point_to(out: Path, version: str) -> None:
    temporary = out / "CURRENT.tmp"
    temporary.write_text(version + "\n", encoding="utf-8")
    _sync(temporary)
    temporary.replace(out / "CURRENT")
    _sync(out)


def _drop_old(out: Path, current: str) -> None:
    """Keeps the last version too: a reader that just read CURRENT must find its files."""
    versions = sorted(p.parent.name for p in out.glob("*/manifest.json"))
    for name in [v for v in versions if v != current][: -(KEEP_VERSIONS - 1)]:
        shutil.rmtree(out / name, ignore_errors=True)


def _changes(found: Sequence[Passage], old: Sequence[Passage]) -> dict[str, int]:
    """A new passage where the article had others counts as changed, else as added."""
    before, after = {p.id for p in old}, {p.id for p in found}
    known = {p.article_id for p in old}
    new = [p for p in found if p.id not in before]
    changed = sum(p.article_id in known for p in new)
    return {
        "added": len(new) - changed,
        "changed": changed,
        "removed": sum(p.id not in after for p in old),
    }


@contextlib.contextmanager
def _only_builder(out: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(out / ".lock", timeout=0):
            for leftover in out.glob(".tmp-*"):  # of a killed build: we hold the lock
                shutil.rmtree(leftover, ignore_errors=True)
            yield
    except Timeout:
        raise RetrievalError(
            f"another process is indexing into {out}; wait for it or name another --out"
        ) from None


@contextlib.contextmanager
def _disk_full_is_an_error(out: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # faiss writes raise RuntimeError
        number = getattr(error, "errno", None)
        if number == errno.ENOSPC or "No space left" in str(error):
            raise RetrievalError(
                f"the disk of {out} is full: the new index was not written, the old one still "
                "serves; free some space and index again"
            ) from None
        raise
