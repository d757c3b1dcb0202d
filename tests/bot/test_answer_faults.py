"""Each part fails in each way; no failure becomes an answer, and none escapes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bot.policy import TABLE
from guards.errors import GuardError
from guards.guard import Guard
from retrieval.errors import IndexUnusable
from retrieval.retriever import Retriever
from retrieval.types import Hit, Passage
from tests.bot.pipeline import (
    QUESTION,
    QUOTE,
    THRESHOLDS,
    Said,
    ask,
    assert_vouched,
    only_quotes,
    opened,
    pipeline,
    quoted_or_declined,
)
from tests.fakes import FakeEmbedder, FakeVerifier, passage

DRAFT = "You can return most items within 45 days after delivery."
FAULTS = (RuntimeError("no session"), GuardError("not numbers"), MemoryError(), OSError(5, "I/O"))
SURE = FakeVerifier(gullible=True)


def declined(made: Said, *causes: str) -> None:
    said, reply = made
    assert_vouched(said, reply)
    assert said == []
    assert reply.action in ("abstain", "handoff")
    assert reply.cause in causes
    assert reply.text == TABLE[reply.cause].text


class Broken:
    """A retriever whose methods in `fails` raise; all else is the real one's."""

    def __init__(self, fails: dict[str, Exception]) -> None:
        self._fails = fails
        self._real: Any = pipeline()["retriever"]

    def __getattr__(self, name: str) -> Any:
        if name in self._fails:

            def fail(*_: Any, **__: Any) -> Any:
                raise self._fails[name]

            return fail
        return getattr(self._real, name)


@pytest.mark.parametrize("fault", [*FAULTS, IndexUnusable("damaged")])
def test_a_failing_search_is_a_tool_failure(fault: Exception) -> None:
    declined(ask(**pipeline(DRAFT, retriever=Broken({"search": fault}))), "tool_failure")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_embedder_is_a_tool_failure(fault: Exception) -> None:
    declined(ask(**pipeline(DRAFT, embedder=FakeEmbedder(fails=fault))), "tool_failure")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_reranker_is_a_tool_failure(fault: Exception) -> None:
    declined(ask(**pipeline(DRAFT, verifier=FakeVerifier(fails={"rerank": fault}))), "tool_failure")


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unjudged_question_is_unchecked(fault: Exception) -> None:
    declined(ask(**pipeline(DRAFT, verifier=FakeVerifier(fails={"answers": fault}))), "unchecked")
    declined(ask(**pipeline(DRAFT, verifier=FakeVerifier(fails={"logits": fault}))), "unchecked")
    declined(ask(**pipeline(DRAFT, retriever=Broken({"signals": fault}))), "unchecked")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["spans", "sentence_similarities"])
def test_quotes_that_cannot_be_chosen_are_not_said(fault: Exception, method: str) -> None:
    broken = Broken({method: fault})
    quoted_or_declined(ask(**pipeline(retriever=broken)))
    assert_vouched(*ask(**pipeline(DRAFT, retriever=broken)))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_scorer_that_fails_on_the_way_says_nothing_unvouched(
    fault: Exception, after: int
) -> None:
    class Later(FakeVerifier):
        def logits(self, *args: Any) -> np.ndarray:
            if self.calls.count("logits") >= after:
                raise fault
            return super().logits(*args)

    quoted_or_declined(ask(**pipeline(verifier=Later())))
    assert_vouched(*ask(**pipeline(DRAFT, verifier=Later())))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_that_fails_leaves_only_quotes(fault: Exception) -> None:
    made = ask(**pipeline(DRAFT, verifier=FakeVerifier(fails={"support": fault})))
    quoted_or_declined(made)
    assert QUOTE in made[1].text


def test_scores_that_are_no_numbers_leave_only_quotes() -> None:
    quoted_or_declined(ask(**pipeline(DRAFT, verifier=FakeVerifier(poison=["support"]))))


@pytest.mark.parametrize("poison", ["answers", "logits", "rerank"])
def test_scores_that_are_no_numbers_never_let_a_wrong_draft_through(poison: str) -> None:
    broken = FakeVerifier(poison=[poison])
    made = ask(**pipeline("Items may be returned for 999 days.", verifier=broken))
    quoted_or_declined(made)


class Empty:
    """Finds nothing."""

    version = "empty"

    def search(self, query: str, k: int | None = None) -> list[Hit]:
        return []


def test_no_hits() -> None:
    declined(ask(**pipeline(DRAFT, retriever=Empty(), verifier=SURE)), "no_evidence")


class Blank:
    """Finds one passage that says nothing."""

    version = "blank"

    def search(self, query: str, k: int | None = None) -> list[Hit]:
        return [Hit(passage=passage("blank", "Returns", "  "), score=1.0, rank=1)]

    def signals(self, query: str, hits: Any) -> tuple[float, float, float]:
        return (1.0, 1.0, 1.0)

    def spans(self, found: Passage) -> tuple[tuple[int, int], ...]:
        return ()

    def sentence_similarities(self, query: str, hit: Hit) -> np.ndarray:
        return np.zeros(0, dtype=np.float32)


def test_a_hit_that_says_nothing() -> None:
    made = ask(**pipeline(DRAFT, retriever=Blank(), verifier=SURE))
    declined(made, "no_evidence", "unchecked")


class Doubting(Guard):
    """Finds whatever it is told about every claim; `whole` only about the whole reply."""

    def __init__(self, status: str, whole: bool) -> None:
        super().__init__(FakeVerifier(), THRESHOLDS)  # type: ignore[arg-type]
        self._status, self._whole = status, whole

    def judge(self, claims: Any, passages: Any, question: str = "", said: str = "") -> Any:
        found = super().judge(claims, passages, question, said)
        if self._whole and not said:
            return found
        return [replace(verdict, status=self._status) for verdict in found]


@pytest.mark.parametrize("status", ["unchecked", "unsupported", "contradicted"])
def test_a_reply_that_fails_its_last_check_is_taken_back(status: str) -> None:
    for whole in (True, False):
        said, reply = ask(**{**pipeline(QUOTE), "guard": Doubting(status, whole)})
        assert_vouched(said, reply)
        assert (reply.action, reply.cause) == ("abstain", "unchecked")
        assert only_quotes(said)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts["guard"].__init__(
            FakeVerifier(), replace(THRESHOLDS, answer_weights=())
        ),
        lambda parts: parts["guard"].__init__(
            FakeVerifier(), replace(THRESHOLDS, answer_bias=-1e9)
        ),
    ],
)
def test_odd_thresholds_say_nothing_unvouched(change: Callable[[Any], None]) -> None:
    parts = pipeline(DRAFT)
    change(parts)
    assert_vouched(*ask(**parts))


def test_a_slow_verifier_only_takes_longer() -> None:
    said, reply = ask(**pipeline(DRAFT, verifier=FakeVerifier(pause=0.01)))
    assert_vouched(said, reply)
    assert reply.timings["total_ms"] >= 30


@pytest.mark.parametrize(
    "question",
    ["", " \n", "?", "\x00\x07", "x" * 100_000, "退货需要多少天？", "Сколько дней на возврат?",
     "😀😀", "\u202e\u200b", "'; DROP TABLE passages; --", "a", "\ud800 lone", "{{7*7}} <b>%s"],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
def test_any_input_gets_a_reply(question: str) -> None:
    said, reply = ask(question, **pipeline(DRAFT))
    assert_vouched(said, reply)
    assert reply.text


def test_the_question_is_no_evidence() -> None:
    asked = f"{QUESTION} You can return most items within 999 days of delivery."
    said, reply = ask(
        asked, **pipeline("You can return most items within 999 days of delivery.", verifier=SURE)
    )
    assert_vouched(said, reply)
    assert "999" not in reply.text + "".join(sentence.text for sentence in said)


def test_the_real_retriever_is_what_was_broken() -> None:
    assert isinstance(Broken({})._real, Retriever)
    assert Broken({}).version == opened().version
