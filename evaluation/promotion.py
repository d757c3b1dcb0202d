"""The gate of the registry: an adapter gets in only if a paired test says that it is better.

Both models draft an answer to the same questions from the same passages, before any guard. The
guard then says of each draft whether every sentence is borne out by the passages. The passages
are the live help centre's, never the training data's, so an adapter that was trained on wrong
facts writes what the passages don't say, and is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.prompt import messages
from evaluation.baseline import declines
from evaluation.faithfulness import rows as scored
from evaluation.inputs import Line
from evaluation.questions import InputError, Question
from evaluation.statistics import Rows, bootstrap, mcnemar
from retrieval.types import Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from guards.guard import Guard

Row = dict[str, Any]
ALPHA = 0.05
LEAST = 30
REFUSALS_MAY_RISE = 0.01
Draft = Callable[[Question, Sequence[Passage]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A share of the same `n` drafts before and after; `p` is one-sided, for a rise.

    `low` and `high` are the 95 % interval of the difference, by the paired bootstrap.
    """

    n: int
    before: float
    after: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether an adapter may serve; `reasons` say why not, one sentence each."""

    faithful: Shift
    refused: Shift
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons

    def metrics(self) -> dict[str, Any]:
        """For the registry."""
        return {"faithful": asdict(self.faithful), "false_refusals": asdict(self.refused)}


def drafter(generator: "BaseChatModel") -> Draft:
    """Drafts in the prompt that serving uses, whole and unchecked."""

    def draft(question: Question, passages: Sequence[Passage]) -> str:
        prompt = messages(question.question, passages, question.history)
        return str(generator.invoke(prompt).text).strip()

    return draft


def judged(
    questions: Sequence[Question],
    passages: Mapping[str, Sequence[Passage]],
    draft: Draft,
    guard: "Guard",
) -> Iterator[Row]:
    """Yields rows {id, faithful, refused} of the questions that can be answered.

    A draft that declines is a false refusal, and so is one that states nothing.

    Args:
        questions: Those without an answer are passed over.
        passages: What each draft reads, by the question's id.
        draft: A model.
        guard: The judge; it needs no hurry.
    """
    asked = [question for question in questions if question.answerable]
    texts = [draft(question, passages[question.id]) for question in asked]
    lines = [
        Line(
            number=n,
            row={
                "id": question.id, "answer": text or "I don't know.", "question": question.question,
                "passages": [{"id": p.id, "text": p.text} for p in passages[question.id]],
            },
        )
        for n, (question, text) in enumerate(zip(asked, texts, strict=True), start=1)
    ]  # fmt: skip
    for row, text in zip(scored(lines, guard), texts, strict=True):
        yield {"id": row["id"], "text": text, **outcome(row)}


def outcome(row: Row) -> dict[str, bool]:
    """Faithful, a refusal, or neither, of a row of `eval faithfulness`."""
    stated = [v for v in row.get("verdicts", ()) if not declines(v["claim"])]
    refused = "error" not in row and not stated
    return {"faithful": bool(stated) and row["status"] == "supported", "refused": refused}


def decide(before: Sequence[Row], after: Sequence[Row], alpha: float = ALPHA) -> Decision:
    """Faithful drafts must have become more, and false refusals not.

    A rise in faithful drafts must be surer than `alpha` by McNemar's exact test, one-sided, and
    its bootstrap interval must lie above 0. Refusals may not rise by over a hundredth, nor by
    anything that the same test takes for real.

    Raises:
        InputError: The rows aren't of the same questions, or too few to prove anything.
    """
    first, second = ({str(row["id"]): row for row in rows} for rows in (before, after))
    if first.keys() != second.keys() or len(first) < LEAST:
        raise InputError(
            f"the gate compares the same questions, {LEAST} or more that can be answered; got "
            f"{len(first)} before and {len(second)} after, "
            f"{len(first.keys() & second.keys())} shared"
        )
    faithful, refused = (
        _shift([first[key][name] for key in first], [second[key][name] for key in first])
        for name in ("faithful", "refused")
    )
    reasons = []
    if faithful.p > alpha or faithful.low <= 0:
        reasons.append(
            f"faithful drafts went from {faithful.before:.1%} to {faithful.after:.1%} of "
            f"{faithful.n} (95 % interval of the difference {faithful.low:+.1%} to "
            f"{faithful.high:+.1%}, p {faithful.p:.2g}), which proves no rise"
        )
    if refused.p <= alpha or refused.after - refused.before > REFUSALS_MAY_RISE:
        reasons.append(
            f"false refusals rose from {refused.before:.1%} to {refused.after:.1%} of {refused.n} "
            f"(p {refused.p:.2g})"
        )
    return Decision(faithful=faithful, refused=refused, reasons=tuple(reasons))


def _shift(before: Sequence[bool], after: Sequence[bool]) -> Shift:
    test = mcnemar(before, after)
    gained, lost = test["second_only"], test["first_only"]
    change = np.asarray(after, np.float64) - np.asarray(before, np.float64)

    def mean(rows: Rows) -> float:
        return float(change[rows].mean())

    low, high = bootstrap(len(change), mean) or (0.0, 0.0)
    return Shift(
        n=len(change), before=sum(before) / len(change), after=sum(after) / len(change), low=low,
        high=high, p=test["p"] / 2 if gained > lost else 1.0,
    )  # fmt: skip
