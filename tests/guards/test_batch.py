"""Reviews of many rows are those of each alone, from fewer runs of the model."""

from pathlib import Path
from typing import Any

import pytest

from guards.batch import ROWS, Row, reviews
from guards.errors import GuardError
from guards.guard import Guard
from guards.verifier import Verifier
from tests.fakes import FakeVerifier
from tests.guards.test_guard import LOOSE, PASSAGES, QUESTION, RESTATED
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS
ANSWERS = (
    RESTATED, "Opened soap is never refunded.", "", "Hello!", "Delivery takes 90 days. Yes.",
    f"{RESTATED} It is free.", "You can return:\n- soap\n- most items",
)  # fmt: skip


def rows(count: int) -> list[Row]:
    return [
        Row(
            answer=f"{ANSWERS[n % len(ANSWERS)]}",
            passages=PASSAGES[: n % 3],
            question=QUESTION if n % 2 else None,
        )
        for n in range(count)
    ]


def alone(guard: Guard, row: Row) -> Any:
    return guard.review(row.answer, row.passages, row.question)


def test_they_are_the_same_as_one_by_one() -> None:
    guard = Guard(FakeVerifier(), LOOSE)  # type: ignore[arg-type]
    given = rows(ROWS + 5)
    assert list(reviews(guard, given)) == [alone(guard, row) for row in given]


def test_the_model_runs_once_a_chunk(tiny_verifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, plain = Verifier(tiny_verifier, threads=1), Verifier(tiny_verifier, threads=1)
    runs: list[int] = []
    run = verifier._session.outputs

    def counted(encodings: Any, batch_tokens: int = 4096) -> Any:
        runs.append(len(encodings))
        return run(encodings, batch_tokens)

    monkeypatch.setattr(verifier._session, "outputs", counted)
    given = rows(ROWS)
    together = list(reviews(Guard(verifier, LOOSE), given))
    assert len(runs) == 1
    for row, review in zip(given, together, strict=True):
        single = alone(Guard(plain, LOOSE), row)
        assert [v.status for v in review.verdicts] == [v.status for v in single.verdicts]
        assert [v.probability for v in review.verdicts] == pytest.approx(
            [v.probability for v in single.verdicts], abs=1e-5
        )


def test_a_verifier_that_fails_leaves_each_row_unchecked() -> None:
    fails = dict.fromkeys(("logits", "support", "rerank"), GuardError("no session"))
    guard = Guard(FakeVerifier(fails=fails), LOOSE)  # type: ignore[arg-type]
    found = list(reviews(guard, [Row(answer=RESTATED, passages=PASSAGES)] * 3))
    assert [review.status for review in found] == ["unchecked"] * 3


def test_rows_are_taken_as_they_are_wanted() -> None:
    taken: list[int] = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield Row(answer=RESTATED, passages=PASSAGES)

    made = reviews(Guard(FakeVerifier(), LOOSE), endless())  # type: ignore[arg-type]
    assert next(made).status == "supported"
    assert len(taken) == ROWS
