"""Asking back: when the question fits several articles that differ only in what they are about."""

import re
from collections.abc import Sequence

from bot.types import Option, Pending, State
from guards.quotes import words
from retrieval.types import Hit

CLOSE = 0.15  # how far behind the best hit another may be, in the retriever's score
MOST = 4
_PLAIN = frozenset(
    re.findall(
        r"\w+",
        "a an and are at can do does for from how i in is it my of on or our the this to what "
        "when where which with you your long much many have get about there last cover need",
    )
)


def which_article(question: str, hits: Sequence[Hit], state: State) -> Pending | None:
    """The articles to choose from; None where the question, or its best hit, is clear.

    The titles must share all that the question asks about and differ in something that it leaves
    open: a product, a plan, a country. A question that says more than that is no vague one.
    """
    best = _best_of_each(hits)
    if len(best) < 2:
        return None
    titles = [_content(hit.passage.title) for hit in best]
    common = set.intersection(*titles)
    asked = _content(question)
    own = [title - common for title in titles]
    if not asked or not asked <= common or not all(own):
        return None
    options = tuple(Option(text=hit.passage.title, target=hit.passage.article_id) for hit in best)
    if matter(options) in state.clarified:
        return None
    return Pending(kind="article", options=options, about=question)


def matter(options: Sequence[Option]) -> str:
    """What a clarification is about; it is asked once."""
    return "|".join(sorted(option.target for option in options))


def _best_of_each(hits: Sequence[Hit]) -> list[Hit]:
    """The best hit of each article that is close to the best of all."""
    found: dict[str, Hit] = {}
    for hit in hits:
        if hits[0].score - hit.score <= CLOSE:
            found.setdefault(hit.passage.article_id, hit)
    return list(found.values())[:MOST]


def _content(text: str) -> set[str]:
    """The words that tell something, without a plural's s."""
    return {word.rstrip("s") for word in words(text) - _PLAIN}
