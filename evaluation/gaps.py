"""What customers asked and didn't get: grouped by meaning, ranked by how many it hit."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.types import Reply
from guards.claims import claims
from guards.quotes import words

if TYPE_CHECKING:
    from bot.parts import Parts
    from bot.store.store import Store
    from retrieval.embedder import Embedder
    from retrieval.retriever import Retriever

ALIKE = 0.72  # cosine to a group's first question over which another is about the same
EXAMPLES = 3
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message with its reply; `why` it is a gap, empty where it was answered well."""

    customer: str
    conversation_id: str
    question: str
    reply: Reply
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Questions about the same, the first one met first; `customers` counts each person once."""

    asked: tuple[Asked, ...]

    @property
    def customers(self) -> int:
        """How many people it hit."""
        return len({item.customer for item in self.asked})


def history(store: "Store", most: int = 10_000) -> Iterator[Asked]:
    """Every answered message of the latest conversations, oldest conversation first."""
    from bot.store.records import from_json

    for info in reversed(store.conversations.latest(most=most)):
        export = store.conversations.export(info.id) or {"messages": []}
        for message in export["messages"]:
            if message["reply"] is None:
                continue
            reply = from_json(Reply, json.dumps(message["reply"]))
            rating = (message["feedback"] or {}).get("rating")
            yield Asked(
                customer=info.user_id or info.id, conversation_id=info.id,
                question=message["text"], reply=reply, why=why(reply, rating),
            )  # fmt: skip


def why(reply: Reply, rating: str | None) -> str:
    """Why a reply is a gap; empty where it is none. A customer who asks for a person isn't one."""
    if rating == "down":
        return "thumbs down"
    if reply.action in ("abstain", "handoff") and reply.cause not in (
        "customer_request", "unsafe_input", "policy",
    ):  # fmt: skip
        return f"{reply.action}: {reply.cause}"
    return ""


def groups(asked: Sequence[Asked], embedder: "Embedder") -> list[Gap]:
    """Gaps by meaning, those that hit most people first."""
    bad = [item for item in asked if item.why]
    if not bad:
        return []
    vectors = embedder.embed([item.question for item in bad])
    heads: list[int] = []
    members: dict[int, list[Asked]] = {}
    for n, item in enumerate(bad):
        near = vectors[heads] @ vectors[n] if heads else np.zeros(0)
        if len(near) and float(near.max()) >= ALIKE:
            members[heads[int(near.argmax())]].append(item)
        else:
            heads.append(n)
            members[n] = [item]
    found = [Gap(asked=tuple(items)) for items in members.values()]
    return sorted(found, key=lambda gap: (-gap.customers, -len(gap.asked)))


def described(gap: Gap, retriever: "Retriever") -> Row:
    """A gap with the nearest article, and which words of the question its passage lacks."""
    first = gap.asked[0].question
    hits = retriever.search(first, 1)
    passage = hits[0].passage if hits else None
    held = words(f"{passage.title} {passage.text}") if passage else set()
    lacks = [w for w in dict.fromkeys(first.lower().split()) if len(w) > 3]
    return {
        "question": first,
        "customers": gap.customers,
        "times": len(gap.asked),
        "why": sorted({item.why for item in gap.asked}),
        "examples": list(dict.fromkeys(item.question for item in gap.asked))[:EXAMPLES],
        "nearest_article": passage.article_id if passage else None,
        "lacks": [w for w in lacks if not words(w) <= held],
    }


def replayed(gaps: Sequence[Gap], parts: "Parts") -> Iterator[Row]:
    """Asks each gap's questions again, each text once, over the help centre as it is now."""
    from bot.answer import answer
    from bot.types import State

    for gap in gaps:
        texts = list(dict.fromkeys(item.question for item in gap.asked))
        states = [State(conversation_id=f"replay-{n}") for n in range(len(texts))]
        replies = [answer(t, s, **parts) for t, s in zip(texts, states, strict=True)]
        answered = [reply.action == "answer" for reply in replies]
        yield {"question": texts[0], "asked": len(texts), "answered_now": sum(answered)}


def stale(asked: Sequence[Asked], parts: "Parts") -> Iterator[Row]:
    """Sentences said before that the articles they cited don't bear out any more.

    A sentence counts as stale only if the guard says unsupported or contradicted: what couldn't be
    checked proves nothing. Said facts of actions and of the customer aren't of any article.
    """
    by_article: dict[str, list[Any]] = {}
    for passage in parts["retriever"].index.passages:
        by_article.setdefault(passage.article_id, []).append(passage)
    for item in asked:
        cited = {c.n: c.article_id for c in item.reply.citations if c.kind == "passage"}
        for sentence in item.reply.sentences:
            articles = [cited[n] for n in sentence.citations if n in cited]
            found = [p for key in dict.fromkeys(articles) for p in by_article.get(key, ())]
            said = claims(sentence.text, item.question)
            if not articles or not said:
                continue
            verdicts = parts["guard"].judge(said, found, item.question, said=item.reply.text)
            gone = not found
            bad = [v for v in verdicts if v.status in ("unsupported", "contradicted")]
            if bad or gone:
                yield {
                    "conversation_id": item.conversation_id, "reply_id": item.reply.reply_id,
                    "sentence": sentence.text, "articles": articles,
                    "reason": "the article is gone" if gone else bad[0].reason,
                }  # fmt: skip
