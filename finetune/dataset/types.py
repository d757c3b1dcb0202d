"""The words of the data: conversation, exchange, example."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.types import Turn
from retrieval.types import Passage

Judge = Callable[[str, Sequence[Passage], str], bool]
"""Says whether the guard lets `answer` stand: (answer, passages, question) -> supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A past conversation as it was exported. `names` are the people who took part."""

    id: str
    turns: tuple[Turn, ...]
    source: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question and its answer, before any passage was looked for.

    `passages` are those that came with the row; `article` is the id it names, if any.
    """

    question: str
    answer: str
    history: tuple[Turn, ...] = ()
    passages: tuple[Passage, ...] = ()
    article: str | None = None
    conversation: str | None = None
    source: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A training example: what the generator reads, and the answer that it is to write.

    `cited` are the passages that support the answer; they are among `passages`.
    """

    question: str
    answer: str
    passages: tuple[Passage, ...]
    cited: tuple[Passage, ...]
    history: tuple[Turn, ...] = ()
    conversation: str | None = None
    source: str
    augmented: str | None = None

    @property
    def groups(self) -> frozenset[str]:
        """What must stay on one side of the split: cited articles and the conversation."""
        articles = {f"article:{passage.article_id}" for passage in self.cited}
        said = {f"conversation:{self.conversation}"} if self.conversation else set()
        return frozenset(articles | said)


@dataclass(slots=True)
class Tally:
    """What was dropped and why, and how much personal data was scrubbed, for the data card."""

    dropped: Counter[str] = field(default_factory=Counter)
    scrubbed: Counter[str] = field(default_factory=Counter)
