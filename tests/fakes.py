"""Hand-written stand-ins: a retriever, a guard, a pipeline, all in memory and without models."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from bot.types import Citation, Reply, Sentence, State, Suggestion
from guards.claims import claims
from guards.quotes import verbatim
from guards.types import Review, Status, Verdict
from retrieval.sentences import sentence_spans
from retrieval.types import Hit, Passage
from tests.fake_models import FakeEmbedder, FakeGenerator, FakeVerifier

if TYPE_CHECKING:
    from bot.parts import Parts

__all__ = [
    "PASSAGES",
    "FakeEmbedder",
    "FakeGenerator",
    "FakeGuard",
    "FakeRetriever",
    "FakeStream",
    "FakeVerifier",
    "make_reply",
    "parts",
    "passage",
]


def passage(key: str, title: str, text: str, url: str | None = None) -> Passage:
    return Passage(
        id=f"p-{key}", article_id=key, title=title, headings=(), text=text,
        start=0, end=len(text), url=url,
    )  # fmt: skip


PASSAGES = (
    passage("returns", "How long you can return an item", "You can return items within 45 days."),
    passage("delivery", "What delivery costs", "Delivery is free from €60. Below, it costs €4.95."),
)


class FakeRetriever:
    """Ranks passages by the words they share with the query."""

    version = "fake-1"

    def __init__(self, passages: Sequence[Passage] = PASSAGES) -> None:
        self.passages = passages

    def search(self, query: str, k: int | None = None) -> list[Hit]:
        asked = set(query.lower().split())
        shared = [
            (len(asked & set(f"{p.title} {p.text}".lower().split())), p) for p in self.passages
        ]
        shared.sort(key=lambda pair: -pair[0])
        return [
            Hit(passage=found, score=float(score), rank=rank)
            for rank, (score, found) in enumerate(shared[: k or 5], start=1)
        ]

    def spans(self, found: Passage) -> tuple[tuple[int, int], ...]:
        return sentence_spans(found.text)


class FakeGuard:
    """Supports whole quotes and nothing else; `gullible` supports all, `fails` raises."""

    version = "fake"

    def __init__(self, *, gullible: bool = False, fails: Exception | None = None) -> None:
        self.gullible = gullible
        self.fails = fails

    def review(
        self, answer: str, passages: Sequence[Passage], question: str | None = None
    ) -> Review:
        if self.fails:
            raise self.fails
        verdicts = []
        for claim in claims(answer, question):
            found = verbatim(claim.text, passages)
            verdicts.append(
                Verdict(
                    claim=claim, status="supported" if found or self.gullible else "unsupported",
                    probability=1.0 if found else 0.1, evidence=found,
                    reason="verbatim quote" if found else "not in the evidence",
                    guard="quote", version=self.version,
                )
            )  # fmt: skip
        bad = any(verdict.status != "supported" for verdict in verdicts)
        status: Status = "unsupported" if bad else "supported"
        return Review(verdicts=tuple(verdicts), answerable=None, status=status)


def parts(retriever: Any = None, guard: Any = None, policy: Any = None) -> "Parts":
    """Parts for a pipeline that is itself a fake; a real one needs a real policy."""
    return {
        "retriever": cast(Any, retriever or FakeRetriever()),
        "generator": None,
        "guard": cast(Any, guard or FakeGuard()),
        "policy": policy,
    }


def make_reply(state: State, *texts: str, **changes: Any) -> Reply:
    """A reply that says the texts, each citing a quote of the same words."""
    sentences, whole = [], ""
    for n, text in enumerate(texts, start=1):
        glue = "\n" if text.startswith(("- ", "1", "2", "3", "|")) else " "
        whole += (glue if whole else "") + text
        sentences.append(
            Sentence(
                text=text, start=len(whole) - len(text), end=len(whole), status="supported",
                probability=1.0, citations=(n,),
            )
        )  # fmt: skip
    citations = tuple(
        Citation(
            n=n, article_id="returns", passage_id="p-returns", title=PASSAGES[0].title,
            url=None, quote=text,
        )
        for n, text in enumerate(texts, start=1)
    )  # fmt: skip
    made: dict[str, Any] = {
        "reply_id": uuid.uuid4().hex, "conversation_id": state.conversation_id, "text": whole,
        "action": "answer", "cause": None, "sentences": tuple(sentences),
        "citations": citations, "timings": {"total_ms": 1.0}, "index_version": "fake-1",
    }  # fmt: skip
    return Reply(**(made | changes))


class FakeStream:
    """A scripted pipeline: says `texts` one by one, then replies.

    `pause` is waited before each sentence; with `gate`, each waits until it is set. `error` is
    raised after `texts`. `seen` are the questions and states, `closed` counts iterators closed.
    """

    def __init__(
        self,
        *texts: str,
        pause: float = 0.0,
        gate: threading.Event | None = None,
        error: Exception | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.texts = texts or ("You can return items within 45 days.",)
        self.pause = pause
        self.gate = gate
        self.error = error
        self.before = before
        self.seen: list[tuple[str, State]] = []
        self.said: list[str] = []
        self.closed = threading.Event()

    def __call__(self, question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
        if state.conversation_id == "self-test":
            yield make_reply(state, *self.texts)
            return
        self.seen.append((question, state))
        self.before()
        try:
            more = (Suggestion(text="When the refund arrives"),)
            reply = make_reply(state, *self.texts, suggestions=more)
            for sentence in reply.sentences:
                if self.gate:
                    self.gate.wait(5)
                time.sleep(self.pause)
                self.said.append(sentence.text)
                yield sentence
            if self.error:
                raise self.error
            yield reply
        finally:
            self.closed.set()
