"""The time that a reply may take, and how work that never comes back is left behind.

A model that hangs in native code can't be interrupted. So what might hang runs in a thread that
nobody waits for once the time is up; the caller goes on with "unchecked".
"""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from guards.errors import OutOfTime

T = TypeVar("T")
MOST_ABANDONED = 4  # threads that hang; with more, something is broken for good
_abandoned: list[threading.Thread] = []
_lock = threading.Lock()


class Clock:
    """Runs down from the moment it is made."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never under 0."""
        return max(self._ends - time.monotonic(), 0.0)

    def call(self, work: Callable[[], T]) -> T:
        """What the work returns, or raises.

        Raises:
            OutOfTime: The time is up before or while it runs, or too much work hangs already.
        """
        if not self.left:
            raise OutOfTime(f"the {self.seconds:g} s for a reply are over")
        if _hanging() >= MOST_ABANDONED:
            raise OutOfTime(f"{MOST_ABANDONED} earlier checks still hang; restart the service")
        outcome: dict[str, Any] = {}
        worker = threading.Thread(target=_run, args=(work, outcome), daemon=True)
        worker.start()
        worker.join(self.left)
        if not outcome:
            with _lock:
                _abandoned.append(worker)
            raise OutOfTime(f"no result within the {self.seconds:g} s for a reply")
        if "error" in outcome:
            raise outcome["error"]
        result: T = outcome["result"]
        return result


def _run(work: Callable[[], Any], outcome: dict[str, Any]) -> None:
    try:
        outcome["result"] = work()
    except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
        outcome["error"] = error


def _hanging() -> int:
    with _lock:
        _abandoned[:] = [worker for worker in _abandoned if worker.is_alive()]
        return len(_abandoned)
