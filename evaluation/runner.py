"""Runs work over many rows: several at once, kept as they come, and never done twice.

Results stand in the order of the rows whatever the number of workers. A cache holds each result
under a hash of all that decides it, so a run that was killed goes on where it stopped and a run
over a file that changed in three rows scores three rows.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from evaluation.questions import InputError

CHUNK = 32
AHEAD = 2  # chunks in work for each worker, so that none waits while results are written
Row = dict[str, Any]
T = TypeVar("T")


def content_key(*parts: object) -> str:
    """A hash of what decides a result: the scorer's version, its settings, the row."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Cache:
    """Results by content hash, one JSON object a line; a line cut off by a kill is left out."""

    def __init__(self, path: Path | None) -> None:
        """Reads what is there.

        Raises:
            InputError: The file can't be read.
        """
        self.path = path
        self._known: dict[str, Row] = {}
        if path and path.exists():
            self._read(path)

    def get(self, key: str) -> Row | None:
        """The result, or None."""
        return self._known.get(key)

    def put(self, key: str, result: Row) -> None:
        """Keeps a result, on disk before the next one."""
        self._known[key] = result
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"key": key, "result": result}) + "\n")

    def _read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the cache {path}: {error}; delete it") from None
        for line in text.split("\n"):
            try:
                row = json.loads(line)
                self._known[row["key"]] = row["result"]
            except (ValueError, TypeError, KeyError):
                continue
        if text and not text.endswith("\n"):  # of a killed run: the next line must start afresh
            with path.open("a", encoding="utf-8") as lines:
                lines.write("\n")


def run(
    items: Sequence[T],
    work: Callable[[Sequence[T]], Iterable[Row]],
    key: Callable[[T], str] | None = None,
    cache: Cache | None = None,
    workers: int = 1,
    chunk: int = CHUNK,
    spread: Callable[[Sequence[Sequence[T]]], Iterable[list[Row]]] | None = None,
) -> Iterator[Row]:
    """One result an item, in order.

    Args:
        items: Of any kind.
        work: Gives one result an item of a chunk, in order; called from several threads. Its
            result for an item may not depend on the rest of the chunk.
        key: Content hash of an item; without it nothing is cached.
        cache: Of results. Failed rows (`error`) aren't kept: what failed is tried again.
        workers: Threads. The models under `work` leave Python, so threads do run at once.
        chunk: Items a call; results come a chunk at a time.
        spread: Does the chunks elsewhere, in place of `work` and `workers`; see `cluster.on_ray`.
    """
    keep = cache or Cache(None)
    keys = [key(item) if key else str(n) for n, item in enumerate(items)]
    known = [keep.get(k) if key else None for k in keys]
    new = [n for n, found in enumerate(known) if found is None]
    chunks = [new[at : at + chunk] for at in range(0, len(new), chunk)]
    given = [[items[n] for n in part] for part in chunks]
    results_of = spread(given) if spread else _made(given, work, workers)
    made = zip(chunks, results_of, strict=True)
    fresh: dict[int, Row] = {}
    for n in range(len(items)):
        found = known[n]
        while found is None and n not in fresh:
            part, results = next(made)
            for index, result in zip(part, results, strict=True):
                fresh[index] = result
                if key and "error" not in result:
                    keep.put(keys[index], result)
        yield found if found is not None else fresh.pop(n)


def _made(
    chunks: Sequence[Sequence[T]], work: Callable[[Sequence[T]], Iterable[Row]], workers: int
) -> Iterator[list[Row]]:
    """The results of each chunk, in order, a bounded number in work."""
    if workers == 1:
        yield from (list(work(part)) for part in chunks)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[list[Row]]] = deque()
        for part in chunks:
            waiting.append(pool.submit(lambda part: list(work(part)), part))
            if len(waiting) >= workers * AHEAD:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()
