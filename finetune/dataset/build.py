"""From exchanges and articles to examples: scrub, drop, find the evidence, ask the guard, split."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np

from bot.prompt import cut
from bot.types import Turn
from finetune.config import FinetuneConfig
from finetune.dataset.augment import augmented
from finetune.dataset.duplicates import without_duplicates
from finetune.dataset.scrub import scrub
from finetune.dataset.split import components, split
from finetune.dataset.types import Example, Exchange, Judge, Tally
from finetune.errors import DataError
from guards.claims import claims
from retrieval.chunk import embedded_text, passages
from retrieval.types import Article, Passage

Embed = Callable[[Sequence[str]], Any]
ANSWER_WORDS = 60  # the prompt asks for one or two short sentences
CANDIDATES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Examples on both sides of the split, and what became of the rest.

    `largest_group` is the share of examples that hang together and so can't be split.
    """

    train: tuple[Example, ...]
    held: tuple[Example, ...]
    tally: Tally
    largest_group: float


class Library:
    """The passages of a help centre, as the generator reads them, and a search over them."""

    def __init__(
        self, articles: Sequence[Article], embed: Embed, more: Sequence[Passage] = ()
    ) -> None:
        found = [*(passage for article in articles for passage in passages(article)), *more]
        unique = {passage.id: replace(passage, text=cut(passage.text)) for passage in found}
        self.passages = list(unique.values())
        self._embed = embed
        texts = [embedded_text(passage) for passage in self.passages]
        self._vectors = np.asarray(embed(texts)) if texts else np.zeros((0, 1))

    def nearest(self, texts: Sequence[str]) -> list[list[Passage]]:
        """All passages by similarity to each text, nearest first."""
        if not self.passages or not texts:
            return [[] for _ in texts]
        scores = np.asarray(self._embed(texts)) @ self._vectors.T
        return [[self.passages[n] for n in np.argsort(-row, kind="stable")] for row in scores]

    def of(self, article: str) -> list[Passage]:
        """The passages of one article."""
        return [passage for passage in self.passages if passage.article_id == article]


def build(
    exchanges: Sequence[Exchange],
    articles: Sequence[Article],
    *,
    embed: Embed,
    judge: Judge,
    config: FinetuneConfig,
) -> Dataset:
    """Builds the data set.

    Args:
        exchanges: Questions and answers, from any number of files.
        articles: The help centre; the evidence and the distractors come from it.
        embed: Texts to unit vectors (n, width).
        judge: The guard; an answer that it rejects is left out, since a model that is trained
            on it learns to make things up.
        config: Seed, share to hold out, passages an example, copies.

    Raises:
        DataError: No example is left, or none can be held out.
    """
    tally = Tally()
    public = "\n".join(article.text for article in articles)
    clean = [item for raw in exchanges if (item := _scrubbed(raw, public, tally))]
    unique = without_duplicates(clean)
    tally.dropped["near-duplicate"] += len(clean) - len(unique)
    came_along = [passage for exchange in unique for passage in exchange.passages]
    library = Library(articles, embed, came_along)
    examples = _grounded(unique, library, judge, tally)
    if not examples:
        raise DataError(
            f"no example is left of {len(exchanges)} questions and answers; dropped: "
            f"{dict(tally.dropped) or 'none, there were none'}. Bring rows whose answers the "
            "articles support"
        )
    groups = [example.groups for example in examples]
    train, held = split(examples, groups, config.held_out, config.seed)
    largest = max(map(len, components(groups))) / len(examples)
    rng = Random(config.seed)
    sides = _pools(train, held, library, config.seed)
    train, held = (
        _with_distractors(side, pool, library, config, rng)
        for side, pool in zip((train, held), sides, strict=True)
    )
    train += augmented(train, sides[0], judge, config.augment, rng)
    return Dataset(train=tuple(train), held=tuple(held), tally=tally, largest_group=largest)


def _scrubbed(exchange: Exchange, public: str, tally: Tally) -> Exchange | None:
    """The exchange without personal data; None if it is of no use."""

    def clean(text: str) -> tuple[str, Counter[str]]:
        made, counts = scrub(text, names=exchange.names, public=public)
        tally.scrubbed.update(counts)
        return made, counts

    answer, personal = clean(exchange.answer)
    reason = None
    if personal:
        reason = "answer about one person"  # with a gap in it, it would teach to write gaps
    elif not claims(answer, exchange.question):
        reason = "answer states nothing"
    elif len(answer.split()) > ANSWER_WORDS:
        reason = f"answer over {ANSWER_WORDS} words"
    elif len(exchange.question.split()) < 2:
        reason = "no question"
    if reason:
        tally.dropped[reason] += 1
        return None
    history = tuple(Turn(role=turn.role, text=clean(turn.text)[0]) for turn in exchange.history)
    return replace(
        exchange, question=clean(exchange.question)[0], answer=answer, history=history, names=()
    )


def _grounded(
    exchanges: Sequence[Exchange], library: Library, judge: Judge, tally: Tally
) -> list[Example]:
    near = library.nearest([f"{item.question} {item.answer}" for item in exchanges])
    found = []
    for exchange, ranked in zip(exchanges, near, strict=True):
        candidates = _candidates(exchange, ranked, library)
        cited = _evidence(exchange, candidates, judge)
        if cited:
            found.append(
                Example(
                    question=exchange.question, answer=exchange.answer, passages=cited,
                    cited=cited, history=exchange.history, conversation=exchange.conversation,
                    source=exchange.source,
                )
            )  # fmt: skip
        else:
            tally.dropped["the guard rejects it" if candidates else "no passage for it"] += 1
    return found


def _candidates(
    exchange: Exchange, ranked: Sequence[Passage], library: Library
) -> Sequence[Passage]:
    if exchange.passages:
        return [replace(passage, text=cut(passage.text)) for passage in exchange.passages]
    if exchange.article and (own := library.of(exchange.article)):
        return sorted(own, key=ranked.index)
    return ranked[:CANDIDATES]


def _evidence(
    exchange: Exchange, candidates: Sequence[Passage], judge: Judge
) -> tuple[Passage, ...]:
    """The one passage that supports the answer, else the two best together, else none."""
    for passage in candidates:
        if judge(exchange.answer, [passage], exchange.question):
            return (passage,)
    pair = tuple(candidates[:2])
    return pair if len(pair) == 2 and judge(exchange.answer, pair, exchange.question) else ()


def _pools(
    train: Sequence[Example], held: Sequence[Example], library: Library, seed: int
) -> tuple[list[Passage], list[Passage]]:
    """The passages that each side may read: an article is on one side, cited or not."""
    rows = [{p.article_id for example in side for p in example.cited} for side in (train, held)]
    pools: tuple[list[Passage], list[Passage]] = ([], [])
    for passage in library.passages:
        if passage.article_id in rows[0] | rows[1]:
            side = passage.article_id in rows[1]
        else:
            side = Random(f"{seed} {passage.article_id}").random() < 0.2
        pools[side].append(passage)
    return pools


def _with_distractors(
    examples: Sequence[Example],
    pool: Sequence[Passage],
    library: Library,
    config: FinetuneConfig,
    rng: Random,
) -> list[Example]:
    """Fills up with the passages that search would bring beside the right one, in any order."""
    allowed = {passage.id for passage in pool}
    near = library.nearest([example.question for example in examples])
    made = []
    for example, ranked in zip(examples, near, strict=True):
        cited = {passage.id for passage in example.cited}
        others = [p for p in ranked if p.id in allowed and p.id not in cited]
        count = max(0, config.passages - len(example.cited))
        shown = [*example.cited, *others[:count]]
        rng.shuffle(shown)
        made.append(replace(example, passages=tuple(shown)))
    return made
