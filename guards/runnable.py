"""The guard in a LangChain chain: an answer and its passages in, a review out.

Example:
    given = {"answer": chain, "passages": retriever, "question": RunnablePassthrough()}
    checked = RunnableParallel(given) | GuardRunnable(load_guard(ModelsConfig(), GuardsConfig()))
"""

from collections.abc import Mapping
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig

from guards.batch import Row, reviews
from guards.errors import GuardError
from guards.guard import Guard
from guards.types import Review
from retrieval.types import Passage

Given = Mapping[str, Any]


class GuardRunnable(Runnable[Given, Review]):
    """Reviews `{"answer": str, "passages": [...], "question"?: str}`.

    A passage is a text, a LangChain document (id, and metadata `title` and `source` are kept) or
    one of ours. `batch` scores all rows together.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def invoke(
        self, input: Given, config: RunnableConfig | None = None, **kwargs: Any  # noqa: A002
    ) -> Review:  # fmt: skip
        """The review of one answer.

        Raises:
            GuardError: The input isn't of the form above.
        """
        return self._call_with_config(
            lambda given: next(reviews(self.guard, [_row(given)])), input, config
        )

    def batch(
        self,
        inputs: list[Given],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Review]:
        """One review an answer, in order.

        Raises:
            GuardError: An input isn't of the form above, and `return_exceptions` is off.
        """
        return self._batch_with_config(
            self._attempts, inputs, config, return_exceptions=return_exceptions
        )

    def _attempts(self, inputs: list[Given]) -> list[Exception | Review]:
        rows = [_attempt(given) for given in inputs]
        found = reviews(self.guard, [row for row in rows if isinstance(row, Row)])
        return [next(found) if isinstance(row, Row) else row for row in rows]


def _attempt(given: Given) -> Row | GuardError:
    try:
        return _row(given)
    except GuardError as error:
        return error


def _row(given: Given) -> Row:
    answer, passages, question = (given.get(key) for key in ("answer", "passages", "question"))
    answer = getattr(answer, "text", answer)  # a model's message
    if not isinstance(answer, str) or isinstance(passages, str):
        raise GuardError(
            'expected {"answer": str, "passages": [...], "question"?: str}, got '
            f"{ {key: type(value).__name__ for key, value in given.items()} }"
        )
    found = [_passage(item, n) for n, item in enumerate(passages or (), start=1)]
    return Row(answer=answer, passages=found, question=question)


def _passage(item: Any, n: int) -> Passage:
    if isinstance(item, Passage):
        return item
    text = item.page_content if isinstance(item, Document) else item
    if not isinstance(text, str):
        raise GuardError(
            f"passage {n}: expected a text, a Document or a Passage, got {type(item).__name__}"
        )
    known = item.metadata if isinstance(item, Document) else {}
    name = str(getattr(item, "id", None) or known.get("source") or n)
    return Passage(
        id=name, article_id=str(known.get("source") or name), title=str(known.get("title") or ""),
        headings=(), text=text, start=0, end=len(text),
    )  # fmt: skip
