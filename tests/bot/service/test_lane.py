"""The line before the model: how many may wait, in number and in time."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bot.service.lane import Lane, at_once
from bot.service.problems import ProblemError


def waiting(gate: threading.Event) -> Callable[[], Iterator[bool]]:
    return lambda: iter([gate.wait(60)])


def filled(lane: Lane, work: Callable[[], Iterator[bool]]) -> int:
    """How much work a lane takes before it refuses."""
    for taken in range(50):
        try:
            lane.submit(work)
        except ProblemError:
            return taken
    return 50


def slow(seconds: float) -> Iterator[bool]:
    time.sleep(seconds)
    yield True


async def idle(lane: Lane) -> None:
    while lane._jobs:
        await asyncio.sleep(0.01)


def test_where_jobs_are_slow_fewer_wait_than_could_come_to_their_turn() -> None:
    async def run() -> int:
        gate = threading.Event()
        lane = Lane("test", max_waiting=50, timeout_s=1.0)
        await lane.call(lambda: time.sleep(0.2))
        await idle(lane)
        taken = filled(lane, waiting(gate))
        gate.set()
        lane.close()
        return taken

    assert 1 <= asyncio.run(run()) <= 6  # at 0.2 s each, or more on a busy machine


def test_before_the_first_has_ended_the_number_alone_counts() -> None:
    async def run() -> int:
        gate = threading.Event()
        lane = Lane("test", max_waiting=3, timeout_s=60.0)
        taken = filled(lane, waiting(gate))
        gate.set()
        lane.close()
        return taken

    assert asyncio.run(run()) == 4


def test_what_was_given_up_before_its_turn_says_nothing_of_the_pace() -> None:
    async def run() -> float:
        lane = Lane("test", max_waiting=3, timeout_s=60.0)
        lane.submit(lambda: slow(0.2))
        lane.submit(lambda: slow(0.0)).cancel()
        await idle(lane)
        lane.close()
        return lane._pace_s

    assert asyncio.run(run()) >= 0.2


def test_what_is_at_hand_is_done_beside_the_line() -> None:
    async def run() -> list[int]:
        return [item async for item in at_once(lambda: iter([1, 2]), 60.0).items()]

    assert asyncio.run(run()) == [1, 2]


def test_an_error_at_hand_is_raised_where_the_items_are_read() -> None:
    def broken() -> Iterator[int]:
        raise ValueError("broken")

    async def run() -> None:
        async for _ in at_once(broken, 60.0).items():
            pass

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(run())
