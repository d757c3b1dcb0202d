"""Chunks of rows on many machines, by Ray Data: the same work in the same chunks, so the same bits.

Each actor makes its own scorer once, from what can be sent to it: a function and its settings.
The machines need Truepenny, its configuration and its weights where this one has them.
"""

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from evaluation.questions import InputError

LOCAL = "local"
Row = dict[str, Any]
Work = Callable[[Sequence[Any]], Iterable[Row]]


def on_ray(address: str, make: Callable[[], Work]) -> Callable[..., Iterator[list[Row]]]:
    """For `runner.run(spread=...)`: gives each chunk's results, in order.

    Args:
        address: Of a cluster, such as ray://head:10001; "local" starts one on this machine.
        make: Makes the work where it is done. Must be picklable.

    Raises:
        InputError: Ray isn't installed, or no cluster answers there.
    """
    try:
        import ray
    except ImportError:
        raise InputError("--ray needs Ray: pip install 'ray[data]'") from None
    if not ray.is_initialized():
        try:
            ray.init(address, include_dashboard=False, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(f"no Ray cluster at {address}: {error}") from None
    return lambda chunks: _results(chunks, make)


class _Worker:
    """One actor's scorer. Chunks come pickled and go as JSON: a row is no table of columns."""

    def __init__(self, make: Callable[[], Work]) -> None:
        self.work = make()

    def __call__(self, row: Row) -> Row:
        found = list(self.work(pickle.loads(row["given"])))
        return {"n": row["n"], "made": json.dumps(found)}


def _results(chunks: Sequence[Sequence[Any]], make: Callable[[], Work]) -> Iterator[list[Row]]:
    import ray

    if not chunks:
        return
    actors = min(len(chunks), max(1, int(ray.cluster_resources().get("CPU", 1))))
    given = [{"n": n, "given": pickle.dumps(list(chunk))} for n, chunk in enumerate(chunks)]
    data = ray.data.from_items(given, override_num_blocks=len(given)).map(
        _Worker, fn_constructor_args=(make,), concurrency=(1, actors)
    )
    early: dict[int, list[Row]] = {}
    wanted = 0
    for row in data.iter_rows():  # as they come; given on in order
        early[int(row["n"])] = json.loads(row["made"])
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1
