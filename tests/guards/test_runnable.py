"""The guard in LangChain: chained, batched, and without the rest of the bot."""

import subprocess
import sys

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda, RunnableParallel

from guards.errors import GuardError
from guards.guard import Guard
from guards.runnable import GuardRunnable
from tests.fakes import FakeVerifier
from tests.guards.test_guard import DELIVERY, LOOSE, PASSAGES, QUESTION, RESTATED

RUNNABLE = GuardRunnable(Guard(FakeVerifier(), LOOSE))  # type: ignore[arg-type]
TEXT = "You can return most items within 45 days of delivery."


def test_it_reviews_what_a_chain_gives_it() -> None:
    chain = RunnableParallel(
        {
            "answer": RunnableLambda(lambda _: AIMessage(TEXT)),
            "passages": RunnableLambda(lambda _: [Document(TEXT, metadata={"source": "returns"})]),
            "question": RunnableLambda(lambda asked: asked),
        }
    )
    review = (chain | RUNNABLE).invoke(QUESTION)
    assert review.status == "supported"
    assert review.answerable is not None
    assert review.verdicts[0].evidence
    assert review.verdicts[0].evidence.passage_id == "returns"


@pytest.mark.parametrize(
    "passages", [[TEXT], [Document(TEXT, id="d1")], PASSAGES, [TEXT, Document("x"), DELIVERY]]
)
def test_passages_of_any_kind(passages: list[object]) -> None:
    assert RUNNABLE.invoke({"answer": TEXT, "passages": passages}).status == "supported"


def test_it_is_the_guards_own_review() -> None:
    given = {"answer": f"{RESTATED} Soap costs €5.", "passages": PASSAGES, "question": QUESTION}
    assert RUNNABLE.invoke(given) == RUNNABLE.guard.review(
        given["answer"], PASSAGES, QUESTION  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_batch_keeps_its_order_and_its_errors_apart() -> None:
    given = [{"answer": TEXT, "passages": [TEXT]}, {"answer": 7}, {"answer": TEXT, "passages": []}]
    good, error, empty = RUNNABLE.batch(given, return_exceptions=True)
    assert good.status == "supported"
    assert isinstance(error, GuardError)
    assert empty.status == "unchecked"
    with pytest.raises(GuardError, match=r"expected .*answer.*got.*int"):
        RUNNABLE.batch(given)


@pytest.mark.parametrize(
    "given",
    [{}, {"answer": None, "passages": []}, {"answer": "a", "passages": "one text"},
     {"answer": "a", "passages": [7]}],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error(given: dict[str, object]) -> None:
    with pytest.raises(GuardError, match="expected"):
        RUNNABLE.invoke(given)


async def _later() -> str:
    return (await RUNNABLE.ainvoke({"answer": TEXT, "passages": [TEXT]})).status


def test_it_works_asynchronously() -> None:
    import asyncio

    assert asyncio.run(_later()) == "supported"


def test_the_guard_needs_no_bot() -> None:
    code = (
        "import sys, guards.guard, guards.batch, guards.screens, guards.cli, guards.runnable;"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('bot', 'evaluation', 'finetune', 'torch', 'onnxruntime')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
