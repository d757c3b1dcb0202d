"""The history at hand: read in a thread of its own now and then, so that no reply waits for it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from bot.dialogue.suggestions import History, learned
from bot.types import Need
from models.errors import TruepennyError

log = logging.getLogger("truepenny.dialogue")
EVERY_S = 600.0


class Remembered:
    """Gives the history as it was read last; an old one is read anew, for those who come later.

    Args:
        read: Reads the answered questions; blocking.
        every_s: How old a history may be.
        clock: Stands for the monotonic clock in tests.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Need]],
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._every_s = every_s
        self._clock = clock
        self._history = History()
        self._due = clock()
        self._lock = threading.Lock()

    def __call__(self) -> History:
        """The history at hand; empty at first."""
        history = self._history
        with self._lock:
            due = self._clock() >= self._due
            if due:
                self._due = self._clock() + self._every_s
        if due:
            threading.Thread(target=self._renew, name="truepenny-history", daemon=True).start()
        return history

    def _renew(self) -> None:
        try:
            self._history = learned(self._read())
        except TruepennyError as error:  # the next time, perhaps
            log.warning("past conversations can't be read for suggestions: %s", error)
