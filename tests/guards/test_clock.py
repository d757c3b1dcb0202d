"""Work in time gives its result; what doesn't come back is left behind, and not without end."""

import threading
import time
from collections.abc import Iterator

import pytest

from guards import clock
from guards.clock import MOST_ABANDONED, Clock
from guards.errors import OutOfTime


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """An event that hanging work waits for; at the end it is set and the threads are awaited."""
    release = threading.Event()
    yield release
    release.set()
    for worker in list(clock._abandoned):
        worker.join(5)


def test_results_and_errors_come_through() -> None:
    assert Clock(5).call(lambda: 7) == 7
    with pytest.raises(ValueError, match="mine"):
        Clock(5).call(lambda: _fail())


def _fail() -> None:
    raise ValueError("mine")


def test_what_hangs_is_left_in_time(stuck: threading.Event) -> None:
    began = time.monotonic()
    with pytest.raises(OutOfTime, match=r"within the 0\.05 s"):
        Clock(0.05).call(stuck.wait)
    assert time.monotonic() - began < 3


def test_all_calls_share_the_time() -> None:
    ticking = Clock(0.01)
    time.sleep(0.02)
    called: list[int] = []
    with pytest.raises(OutOfTime, match="are over"):
        ticking.call(lambda: called.append(1))
    assert called == []
    assert ticking.left == 0


def test_too_much_hanging_work_stops_the_next_at_once(stuck: threading.Event) -> None:
    for _ in range(MOST_ABANDONED):
        with pytest.raises(OutOfTime, match="within"):
            Clock(0.01).call(stuck.wait)
    with pytest.raises(OutOfTime, match="restart the service"):
        Clock(5).call(lambda: 7)
    stuck.set()
    for worker in list(clock._abandoned):
        worker.join(5)
    assert Clock(5).call(lambda: 7) == 7
