"""A lane: blocking work, one piece at a time on one thread, with a bounded line before it."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from bot.service.problems import busy, too_slow

T = TypeVar("T")
PACE_SHARE = 1 / 8


class _End:
    """Closes a job's queue."""


class Job(Generic[T]):
    """A piece of work that gives items, read on the event loop while a thread makes them."""

    def __init__(self, iterate: Callable[[], Iterator[T]], timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._iterate = iterate
        self._deadline = time.monotonic() + timeout_s
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[T | Exception | _End] = asyncio.Queue()
        self._stopped = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Nobody waits for it any more."""
        return self._stopped.is_set()

    @property
    def late(self) -> bool:
        """Its time is up."""
        return time.monotonic() > self._deadline

    def cancel(self) -> None:
        """Stops the work at its next item and closes its iterator."""
        self._stopped.set()

    async def items(self) -> AsyncGenerator[T]:
        """The items as they come; leaving early cancels.

        Raises:
            ProblemError: The time is up.
            Exception: What the work raised.
        """
        try:
            while not isinstance(item := await self._next(), _End):
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.cancel()

    async def _next(self) -> T | Exception | _End:
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                return await self._queue.get()
        except TimeoutError:
            raise too_slow(self.timeout_s) from None

    def run(self) -> None:
        """Makes the items; on the lane's thread, from first to last."""
        try:
            if not self.cancelled:
                self._drain(self._iterate())
        except Exception as error:  # noqa: BLE001 - raised again where the items are read
            self._put(error)
        finally:
            self._put(_End())

    def _drain(self, iterator: Iterator[T]) -> None:
        try:
            for item in iterator:
                self._put(item)
                if self.cancelled:
                    return
        finally:
            if close := getattr(iterator, "close", None):
                close()

    def _put(self, item: T | Exception | _End) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)


def at_once(iterate: Callable[[], Iterator[T]], timeout_s: float) -> Job[T]:
    """Work that takes no time, done beside the line."""
    job = Job(iterate, timeout_s)
    job.run()
    return job


class Lane:
    """Runs jobs one after the other. At most `max_waiting` wait behind the one that runs.

    Fewer wait where jobs are slow: the last in line must come to its turn in time.
    """

    def __init__(self, name: str, max_waiting: int, timeout_s: float) -> None:
        self.max_waiting = max_waiting
        self.timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"truepenny-{name}")
        self._lock = threading.Lock()
        self._jobs: set[Job[Any]] = set()
        self._running: Job[Any] | None = None
        self._pace_s = 0.0

    @property
    def stuck(self) -> bool:
        """What runs should have ended; nothing else can start."""
        running = self._running
        return running is not None and running.late

    @property
    def waiting(self) -> int:
        """How many wait behind the one that runs."""
        with self._lock:
            return sum(job is not self._running and not job.cancelled for job in self._jobs)

    def submit(self, iterate: Callable[[], Iterator[T]], timeout_s: float | None = None) -> Job[T]:
        """Puts work in line.

        Args:
            iterate: The work.
            timeout_s: Stands for the lane's.

        Raises:
            ProblemError: The line is full (429).
        """
        job = Job(iterate, self.timeout_s if timeout_s is None else timeout_s)
        with self._lock:
            self._require_room()
            self._jobs.add(job)
        self._thread.submit(copy_context().run, self._run, job)
        return job

    async def call(self, function: Callable[[], T]) -> T:
        """Runs one function in line and gives what it returns."""
        async with aclosing(self.submit(lambda: iter([function()])).items()) as results:
            async for result in results:
                return result
        raise RuntimeError("a function in line gave no result")

    def require_room(self) -> None:
        """Refuses early what `submit` would refuse.

        Raises:
            ProblemError: The line is full (429).
        """
        with self._lock:
            self._require_room()

    def close(self) -> None:
        """Stops what runs at its next item and drops what waits."""
        with self._lock:
            for job in self._jobs:
                job.cancel()
        self._thread.shutdown(wait=False)

    def _require_room(self) -> None:
        held = [job for job in self._jobs if job is self._running or not job.cancelled]
        if len(held) > self.max_waiting or len(held) * self._pace_s > self.timeout_s:
            raise busy()

    def _run(self, job: Job[Any]) -> None:
        self._running = job
        idle, began = job.cancelled, time.monotonic()
        try:
            job.run()
        finally:
            with self._lock:
                self._running = None
                self._jobs.discard(job)
                if not idle:
                    self._note_pace(time.monotonic() - began)

    def _note_pace(self, spent_s: float) -> None:
        """Keeps the mean time of a job, in which the last ones weigh most."""
        share = PACE_SHARE if self._pace_s else 1.0
        self._pace_s += share * (spent_s - self._pace_s)
