"""What a customer may want next: what similar customers needed, else what lies nearest.

Only what can be answered is suggested: titles of articles that the index holds, and questions
that several customers have asked and got an answer to. One customer's words are never shown to
another: a question must come from `SEVERAL` conversations, hold no personal data and no word that
isn't the article's own.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bot.types import PROFILE, Citation, Need, Reply, State, Suggestion
from guards.quotes import words
from guards.screens import redact
from retrieval.retriever import Retriever

SEVERAL = 3  # conversations that make a question common property
MOST_CHARS = 90
PATIENT = 5.0  # conversations' worth of doubt: what followed once is little to go by
NEAREST, FITS = 0.25, 0.15  # what being the nearest article, or naming the customer's plan, weighs
FAR = 0.6  # how far behind the best hit an article may be, in the retriever's score
CITES = "cites: "
_PLAIN = words(
    "a an and are at can could do does for from get had has have how i if in is it long many may "
    "me much my not of on or our should that the their there this to was we what when where which "
    "who why will with would you your"
)
_NUMBER = re.compile(r"\d{5}")  # of an order or a customer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """Where a conversation went from an article: other articles, the nearer the weightier."""

    profile: Mapping[str, str]
    to: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What past conversations tell: by article, what followed it, and how it was asked for."""

    paths: Mapping[str, Sequence[_Path]] = field(default_factory=dict)
    questions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def learned(needs: Sequence[Need]) -> History:
    """The history of answered questions, given conversation by conversation and in order."""
    paths: defaultdict[str, list[_Path]] = defaultdict(list)
    asked: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name, group in groupby(needs, key=lambda need: need.conversation_id):
        said = list(group)
        for at, need in enumerate(said):
            later = [other.article for other in said[at + 1 :]]
            first = {article: n for n, article in reversed(list(enumerate(later, start=1)))}
            if need.article not in [other.article for other in said[:at]]:
                to = {article: 1 / n for article, n in first.items() if article != need.article}
                paths[need.article].append(_Path(profile=need.profile, to=to))
            asked[need.article, _plain(need.question)].setdefault(name, need.question)
    return History(paths=paths, questions=_common(asked))


def suggested(
    reply: Reply, state: State, retriever: Retriever, history: History, most: int
) -> tuple[Suggestion, ...]:
    """The articles and questions that come next, likeliest first.

    Args:
        reply: What was just said; its hits are the neighbours that count without a history.
        state: The conversation before it.
        retriever: Of the index that must hold what is suggested.
        history: What past conversations tell.
        most: How many at most.
    """
    here = reply.citations[0].article_id if reply.citations else ""
    cited = {citation.article_id for citation in reply.citations} | _cited(state)
    asked = {_plain(turn.text) for turn in state.turns if turn.role == "user"}
    titles = {passage.article_id: passage.title for passage in retriever.index.passages}
    found = []
    for article, score in _scores(reply, here, titles, profile_of(state), history).items():
        text = _question(article, asked, retriever, history) if here else ""
        text = text or titles[article]
        if article not in cited and _plain(text) not in asked:
            found.append((-score, text, article))
    return tuple(Suggestion(text=text, article_id=key) for _, text, key in sorted(found)[:most])


def profile_of(state: State) -> dict[str, str]:
    """What is known of the customer: as the caller told, or as they told a flow."""
    slots = {name: slot.value for name, slot in state.slots.items() if name in PROFILE}
    return {name: value for name, value in (*state.profile.items(), *slots.items()) if value}


def cites(citations: Sequence[Citation]) -> tuple[str, ...]:
    """The line of the trace that says which articles were cited, if any were."""
    articles = dict.fromkeys(item.article_id for item in citations if item.article_id)
    return (CITES + " | ".join(articles),) if articles else ()


def _scores(
    reply: Reply,
    here: str,
    titles: Mapping[str, str],
    profile: Mapping[str, str],
    history: History,
) -> dict[str, float]:
    """How likely each article is to be wanted: what followed, how near it is, whom it names."""
    scores: defaultdict[str, float] = defaultdict(float)
    paths = history.paths.get(here, ())
    alike = [_alike(path.profile, profile) for path in paths]
    for weight, path in zip(alike, paths, strict=True):
        for article, nearness in path.to.items():
            scores[article] += weight * nearness / (sum(alike) + PATIENT)
    best = max((hit.score for hit in reply.hits), default=0.0)
    near = [hit.passage.article_id for hit in reply.hits if best - hit.score <= FAR]
    others = [article for article in dict.fromkeys(near) if article != here]
    for rank, article in enumerate(others, start=1):
        scores[article] += NEAREST / rank
    for article in scores:
        named = words(titles.get(article, ""))
        theirs = (words(value) for value in profile.values())
        scores[article] += FITS * sum(bool(own) and own <= named for own in theirs)
    return {article: score for article, score in scores.items() if article in titles}


def _alike(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """How much a customer of one profile tells about another: doubled by each thing shared."""
    both = one.keys() & other.keys()
    same = sum(one[name].casefold() == other[name].casefold() for name in both)
    return 2.0 ** (2 * same - len(both))


def _question(article: str, asked: set[str], retriever: Retriever, history: History) -> str:
    """How others asked for an article, in no words but its own; empty if nobody did."""
    common = history.questions.get(article, ())
    if not common:
        return ""
    passages = [p for p in retriever.index.passages if p.article_id == article]
    own = words(" ".join(f"{p.title} {' '.join(p.headings)} {p.text}" for p in passages)) | _PLAIN
    fit = (text for text in common if words(text) <= own and _plain(text) not in asked)
    return next(fit, "")


def _common(asked: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[str, list[str]]:
    """The questions that may be shown, by article, those asked most often first."""
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for (article, _), by in asked.items():
        text, _ = min(Counter(by.values()).items(), key=lambda pair: (-pair[1], pair[0]))
        private = _NUMBER.search(text) or redact(text) != text
        if len(by) >= SEVERAL and len(text) <= MOST_CHARS and not private:
            found[article].append((-len(by), text))
    return {article: [text for _, text in sorted(rows)] for article, rows in found.items()}


def _cited(state: State) -> set[str]:
    lines = (line for turn in state.turns for line in turn.trace if line.startswith(CITES))
    return {article for line in lines for article in line.removeprefix(CITES).split(" | ")}


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
