"""Readiness: the parts load in the background, and a self-test decides whether they may speak."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from bot.service.problems import RETRY_S, ProblemError, problem_of
from bot.types import Reply, Sentence, State
from models.errors import TruepennyError
from retrieval.types import Passage

if TYPE_CHECKING:
    from bot.parts import Parts
    from guards.guard import Guard

log = logging.getLogger("truepenny.service")
FALSEHOOD = "The code QX-90417 gives every customer €98,765.43 back within 17 minutes."


class Stream(Protocol):
    """`bot.dialogue.step.stream`."""

    def __call__(
        self, question: str, state: State, **parts: object
    ) -> Iterator[Sentence | State | Reply]:
        """Yields verified sentences, the state after them, and the reply last."""
        ...


class Readiness:
    """Whether the service can answer, truthfully: loaded, tested, or the reason why not."""

    def __init__(
        self, load: "Callable[[], Parts]", stream: Stream, told: Callable[["Readiness"], None]
    ) -> None:
        self.status: Literal["starting", "ready", "failed"] = "starting"
        self.reasons: tuple[str, ...] = ("the models and the index are still loading",)
        self._load = load
        self._stream = stream
        self._told = told
        self._parts: Parts | None = None
        self._loading = threading.Lock()

    @property
    def index_version(self) -> str | None:
        """The index that serves; None if nothing can be answered."""
        ready = self.status == "ready" and self._parts is not None
        return self._parts["retriever"].version if ready and self._parts else None

    def start(self) -> None:
        """Loads in a thread of its own; a process that ends doesn't wait for it."""
        threading.Thread(target=self.renew, name="truepenny-load", daemon=True).start()

    def reload(self) -> bool:
        """Loads everything anew, in a thread; whether it began: one load at a time is enough."""
        if self.status == "starting" or self._loading.locked():
            return False
        self.start()
        return True

    def parts(self) -> "Parts":
        """The parts, once they may be used.

        Raises:
            ProblemError: Not yet, or never (503).
        """
        if self._parts is not None and self.status == "ready":
            return self._parts
        if self.status == "failed":
            raise ProblemError(503, "not-ready", f"It can't answer: {'; '.join(self.reasons)}")
        raise ProblemError(
            503, "starting", "It is just starting. Please try again in a moment.",
            headers={"Retry-After": str(RETRY_S)},
        )  # fmt: skip

    def renew(self, make: "Callable[[Parts], Parts] | None" = None) -> None:
        """Loads and tests parts, then puts them in the place of those that serve; blocking.

        If that fails, those go on serving, and the reasons say why they are still the old ones.

        Args:
            make: Makes them from those that serve; by default, or if none do, all are loaded.
        """
        with self._loading:
            try:
                parts = make(self._parts) if make and self._parts else self._load()
                reasons = self_test(parts, self._stream)
            except Exception as error:  # noqa: BLE001 - the edge: whatever failed, it isn't ready
                reasons = [_why(error)]
            else:
                self._parts = self._parts if reasons else parts
            for reason in reasons:
                log.error("not ready: %s", reason)
            if reasons and self._parts:
                reasons = [f"still serving what was loaded before: {each}" for each in reasons]
            self.reasons = tuple(reasons)
            self.status = "ready" if self._parts else "failed"
        self._told(self)


def _why(error: Exception) -> str:
    problem = problem_of(error)
    if isinstance(error, TruepennyError):
        return problem.detail
    return f"loading failed ({type(error).__name__}, logged as {problem.instance})"


def self_test(parts: "Parts", stream: Stream) -> list[str]:
    """Tries what a customer would set going; the reasons why it may not serve, if any.

    A sentence of the index must pass the guard, an invented one must not, and the whole
    pipeline must come to a reply.
    """
    hits = parts["retriever"].search("help")
    if not hits:
        return ["the index holds no passages: run `truepenny index SOURCE`"]
    reasons = []
    passages = [hit.passage for hit in hits]
    quotes = [p.text[a:b] for p in passages for a, b in parts["retriever"].spans(p)][:8]
    if not any(_supports(parts["guard"], quote, passages) for quote in quotes):
        reasons.append("self-test: the guard supports no sentence quoted from the index")
    if _supports(parts["guard"], FALSEHOOD, passages):
        reasons.append("self-test: the guard supports an invented sentence")
    state = State(conversation_id="self-test")
    *_, reply = stream(passages[0].title, state, **parts)
    if not isinstance(reply, Reply):
        reasons.append("self-test: the pipeline ends without a reply")
    return reasons


def _supports(guard: "Guard", text: str, passages: Sequence[Passage]) -> bool:
    review = guard.review(text, passages)
    return bool(review.verdicts) and review.status == "supported"
