"""Ray Data does the same chunks: with a stand-in for Ray, and slowly with Ray itself."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from evaluation.cluster import on_ray
from evaluation.questions import InputError
from evaluation.runner import run


def doubling(factor: int) -> Callable[[Any], Any]:
    """Made on each machine."""
    return lambda chunk: [{"made": factor * n / 3, "of": len(chunk)} for n in chunk]


class Data:
    """Gives the rows back last first, as a cluster may."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def map(self, kind: Any, fn_constructor_args: Any, concurrency: Any) -> "Data":
        worker = kind(*fn_constructor_args)
        return Data([worker(row) for row in self.rows])

    def iter_rows(self) -> Iterator[dict[str, Any]]:
        return reversed(self.rows)


def stand_in(init: Callable[..., None] = lambda *_, **__: None) -> ModuleType:
    ray = ModuleType("ray")
    data = SimpleNamespace(from_items=lambda rows, override_num_blocks: Data(rows))
    ray.__dict__.update(
        is_initialized=lambda: False, init=init, data=data, cluster_resources=lambda: {"CPU": 4.0}
    )
    return ray


def test_the_order_and_the_results_are_those_of_one_process(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", stand_in())
    spread = on_ray("local", partial(doubling, 2))
    alone = list(run(range(23), doubling(2), chunk=5))
    assert list(run(range(23), doubling(2), chunk=5, spread=spread)) == alone
    assert list(run([], doubling(2), spread=spread)) == []


def test_without_ray_or_a_cluster_it_says_so(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="pip install"):
        on_ray("local", partial(doubling, 2))

    def nobody(address: str, **_: Any) -> None:
        raise ConnectionError("nobody there")

    monkeypatch.setitem(sys.modules, "ray", stand_in(nobody))
    with pytest.raises(InputError, match="ray://nowhere: nobody there"):
        on_ray("ray://nowhere", partial(doubling, 2))


@pytest.mark.slow
def test_a_local_ray_gives_the_same_bits() -> None:
    ray = pytest.importorskip("ray")
    try:
        spread = on_ray("local", partial(doubling, 2))
        alone = list(run(range(200), doubling(2), chunk=7))
        assert list(run(range(200), doubling(2), chunk=7, spread=spread)) == alone
    finally:
        ray.shutdown()
