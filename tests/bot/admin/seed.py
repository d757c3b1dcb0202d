"""Conversations as a small shop might have them, put into a store, some of them long ago."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from bot.store.schema import ConversationRow, MessageRow, ReplyRow
from bot.store.store import Store
from bot.store.types import Incoming, now
from bot.types import Citation, Handoff, Reply, Sentence, State
from tests.fakes import make_reply

ANSWERED = (
    ("How long may I keep an item before I send it back?", "You can return items within 45 days."),
    ("What does delivery to Cork cost?", "Delivery is free from €60. Below, it costs €4.95."),
    ("Do you mend zips?", "Zips are mended while you wait."),
)
UNANSWERED = (
    "Do you ship to Norway?",
    "do you ship to norway?",
    "Can you ship to Norway please?",
    "Is the Tarn rucksack vegan?",
    "Which knots hold a tarp best?",
)
TIMINGS = {
    "retrieve_ms": 45.0, "first_sentence_ms": 620.0, "draft_ms": 700.0, "verify_ms": 130.0,
    "total_ms": 980.0,
}  # fmt: skip


def talk(
    store: Store,
    conversation_id: str,
    question: str,
    reply: Reply | None = None,
    *,
    days: float = 0.0,
    state: State | None = None,
    **more: Any,
) -> Reply | None:
    """One message and its reply, `days` ago; without a reply it still waits."""
    client_id = f"{conversation_id}-{random.random()}"
    incoming = Incoming(
        conversation_id=conversation_id, client_id=client_id, text=question, **more
    )  # fmt: skip
    message: Any = store.turns.receive(incoming, "a", 9)
    at = now() - timedelta(days=days)
    if reply is not None:
        after = state or State(conversation_id=conversation_id)
        assert store.turns.finish(message.id, "a", reply, after)
    with store.database.write() as session:
        session.execute(update(MessageRow).where(MessageRow.id == message.id).values(at=at))
        session.execute(update(ReplyRow).where(ReplyRow.message_id == message.id).values(at=at))
        session.execute(
            update(ConversationRow)
            .where(ConversationRow.id == conversation_id)
            .values(created_at=at, updated_at=at)
        )
    return reply


def answer(conversation_id: str, *texts: str, probability: float = 0.97, **changes: Any) -> Reply:
    made = make_reply(State(conversation_id=conversation_id), *texts, timings=TIMINGS, **changes)
    citation = Citation(
        n=1, article_id="returns", passage_id="p", title="How long you can return an item",
        url="https://help.example/returns", quote=texts[0],
    )  # fmt: skip
    sentences = tuple(
        Sentence(
            text=each.text, start=each.start, end=each.end, status="supported",
            probability=probability, citations=(1,),
        )
        for each in made.sentences
    )  # fmt: skip
    return _with(made, sentences=sentences, citations=(citation,))


def declined(conversation_id: str, cause: str = "no_evidence", **changes: Any) -> Reply:
    text = "I can't vouch for an answer to that, so I'd rather not guess."
    made = make_reply(State(conversation_id=conversation_id), text)
    given = {"action": "abstain", "cause": cause, "sentences": (), "citations": ()}
    return _with(made, **(given | {"timings": TIMINGS} | changes))


def handed_over(conversation_id: str, reason: str = "customer_request") -> Reply:
    handoff = Handoff(
        reason=reason, summary="A parcel hasn't come; the customer wants a person.",
        evidence=("Order F-2231 left the warehouse on Monday.",), slots={"order": "F-2231"},
    )  # fmt: skip
    return declined(conversation_id, "customer_request", action="handoff", handoff=handoff)


def sample(
    store: Store, days: int = 28, seed: int = 7, questions: Sequence[str] = UNANSWERED
) -> None:
    """A month in the life of the shop."""
    chance = random.Random(seed)
    for day in range(days):
        for n in range(chance.randint(1, 4)):
            key = f"s{day:02}{n}"
            kind, ago = chance.random(), day + chance.random() * 0.3
            if kind < 0.66:
                question, text = chance.choice(ANSWERED)
                slower = {k: v * chance.lognormvariate(0, 0.35) for k, v in TIMINGS.items()}
                made = _with(answer(key, text, probability=chance.uniform(0.9, 1)), timings=slower)
                talk(store, key, question, made, days=ago, channel="web")
                if chance.random() < 0.3:
                    up = chance.random() < 0.7
                    store.conversations.rate(
                        made.reply_id, "up" if up else "down", None if up else "Not what I asked"
                    )
            elif kind < 0.88:
                talk(store, key, chance.choice(questions), declined(key), days=ago)
            else:
                talk(
                    store, key, "My parcel hasn't come, get me a person.", handed_over(key),
                    days=ago, user_id="u-1042",
                )  # fmt: skip


def _with(reply: Reply, **changes: Any) -> Reply:
    from dataclasses import replace

    return replace(reply, **changes)
