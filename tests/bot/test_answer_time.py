"""The time of a reply runs out in every place; what was not checked by then isn't said."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from guards import clock
from guards.guard import Guard, GuardsConfig
from tests.bot.pipeline import QUOTE, THRESHOLDS, ask, assert_vouched, only_quotes, pipeline
from tests.fakes import FakeGenerator, FakeVerifier

DRAFT = "You can return most items within 45 days after delivery. "


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
    for worker in list(clock._abandoned):
        worker.join(5)


class Hangs(FakeVerifier):
    """Hangs in one method."""

    def __init__(self, method: str, release: threading.Event) -> None:
        super().__init__()
        self.method = method
        self.release = release

    def _made(self, method: str, odds: Any) -> np.ndarray:
        if method == self.method:
            self.release.wait(30)
        return super()._made(method, odds)


def timed(verifier: Any, seconds: float = 0.2, **given: Any) -> dict[str, Any]:
    parts = pipeline(verifier=verifier, **given)
    return {**parts, "guard": Guard(verifier, THRESHOLDS, GuardsConfig(reply_seconds=seconds))}


@pytest.mark.parametrize(
    ("method", "cause"),
    [("rerank", "tool_failure"), ("answers", "unchecked"), ("logits", "unchecked")],
)
def test_a_model_that_hangs_before_anything_is_said(
    method: str, cause: str, release: threading.Event
) -> None:
    began = time.monotonic()
    said, reply = ask(**timed(Hangs(method, release), generator=FakeGenerator(pieces=(DRAFT,))))
    assert said == []
    assert (reply.action in ("abstain", "handoff"), reply.cause) == (True, cause)
    assert time.monotonic() - began < 10


def test_a_check_that_hangs_ends_in_no_answer(release: threading.Event) -> None:
    writer = FakeGenerator(pieces=(DRAFT, "More. "))
    said, reply = ask(**timed(Hangs("support", release), generator=writer))
    assert only_quotes(said)
    assert DRAFT.strip() not in [sentence.text for sentence in said]
    assert (reply.action, reply.cause) == ("abstain", "unchecked")
    assert reply.sentences == ()


def test_a_generator_that_hangs_leaves_the_quotes_or_nothing(
    release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(FakeGenerator):
        def _stream(self, *args: Any, **more: Any) -> Any:
            release.wait(30)
            yield from super()._stream(*args, **more)

    monkeypatch.setattr("bot.drafting.STOPS_WITHIN_S", 0.1)
    began = time.monotonic()
    said, reply = ask(**timed(FakeVerifier(), 0.5, generator=Stuck(pieces=(DRAFT,))))
    assert only_quotes(said)
    assert reply.action in ("answer", "abstain")
    assert time.monotonic() - began < 10


def test_with_time_enough_it_answers() -> None:
    said, reply = ask(**timed(FakeVerifier(), 30.0))
    assert_vouched(said, reply)
    assert QUOTE in reply.text
