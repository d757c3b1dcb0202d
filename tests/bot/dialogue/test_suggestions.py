"""What is suggested next: by what followed, for whom, and what lies near; never a private word."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot.dialogue.remembered import Remembered
from bot.dialogue.suggestions import History, cites, learned, profile_of, suggested
from bot.types import Citation, Need, Reply, SlotValue, State, Turn
from models.errors import TruepennyError
from retrieval.index import build, open_index
from retrieval.retriever import Retriever
from retrieval.types import Article, Hit
from tests.bot.dialogue.shop import open_shop
from tests.bot.pipeline import QUESTION
from tests.fakes import FakeEmbedder

TITLES = {
    "returns": "How long you can return items", "refund": "When the refund arrives",
    "label": "Print a return label", "team": "Returns on the Team plan", "mend": "Repairs",
}  # fmt: skip
TEXTS = {"refund": "How long does a refund take? Five days. When will my refund arrive? Soon."}
C = State(conversation_id="now")


@lru_cache(maxsize=1)
def retriever() -> Retriever:
    articles = [
        Article(id=key, title=title, text=TEXTS.get(key, f"{title}: this is all there is to say."))
        for key, title in TITLES.items()
    ]
    with TemporaryDirectory() as folder:
        build(articles, Path(folder), FakeEmbedder())
        return Retriever(open_index(Path(folder), "fake"), FakeEmbedder())


def hit(article: str, rank: int, score: float = 1.0) -> Hit:
    passage = next(p for p in retriever().index.passages if p.article_id == article)
    return Hit(passage=passage, score=score, rank=rank)


def answered(article: str = "returns", near: Sequence[str] = (), **changes: Any) -> Reply:
    citation = Citation(n=1, article_id=article, passage_id="p", title="", url=None, quote="x")
    hits = tuple(hit(each, rank) for rank, each in enumerate((article, *near), start=1))
    made = Reply(
        reply_id="r", conversation_id="now", text="x", action="answer", cause=None, hits=hits,
        citations=(citation,),
    )  # fmt: skip
    return replace(made, **changes)


def past(*articles: str, name: str = "", question: str = "", **profile: str) -> list[Need]:
    return [
        Need(
            conversation_id=name or f"{articles}{profile}", article=article, profile=profile,
            question=question or f"about {article}?",
        )
        for article in articles
    ]  # fmt: skip


def keys(reply: Reply, history: History, state: State = C, most: int = 9) -> list[str | None]:
    return [s.article_id for s in suggested(reply, state, retriever(), history, most)]


def many(count: int, *articles: str, **profile: str) -> list[Need]:
    return [need for n in range(count) for need in past(*articles, name=f"{n}{profile}", **profile)]


def test_without_a_history_the_neighbours_come_nearest_first() -> None:
    reply = answered(near=("label", "mend"))
    assert keys(reply, History()) == ["label", "mend"]
    assert keys(reply, History(), most=1) == ["label"]
    assert keys(reply, History(), most=0) == []


def test_what_is_far_behind_the_best_is_no_neighbour() -> None:
    reply = answered(hits=(hit("returns", 1, 2.0), hit("label", 2, 1.5), hit("mend", 3, 0.9)))
    assert keys(reply, History()) == ["label"]


def test_what_followed_comes_before_what_lies_near() -> None:
    history = learned(many(10, "returns", "refund"))
    assert keys(answered(near=("label",)), history) == ["refund", "label"]
    assert keys(answered("mend", near=("label",)), history) == ["label"]


def test_one_conversation_tells_little() -> None:
    history = learned(past("returns", "mend"))
    assert keys(answered(near=("label",)), history) == ["label", "mend"]


def test_what_followed_at_once_counts_more_than_what_came_later() -> None:
    history = learned(many(10, "returns", "refund", "mend"))
    assert keys(answered(), history) == ["refund", "mend"]
    back = learned(many(10, "refund", "returns", "mend", "refund"))
    assert keys(answered(), back) == ["mend", "refund"]


def test_customers_of_the_same_profile_count_more() -> None:
    history = learned(
        many(6, "returns", "refund", plan="Free") + many(5, "returns", "label", plan="Team")
    )
    assert keys(answered(), history)[0] == "refund"
    team = replace(C, profile={"plan": "team"})
    assert keys(answered(), history, team)[0] == "label"
    told = replace(C, slots={"plan": SlotValue(value="Team", turn=1)})
    assert keys(answered(), history, told)[0] == "label"


def test_an_article_that_names_the_customers_plan_comes_earlier() -> None:
    reply = answered(near=("label", "team"))
    assert keys(reply, History()) == ["label", "team"]
    assert keys(reply, History(), replace(C, profile={"plan": "Team"})) == ["team", "label"]


def test_what_was_cited_asked_or_is_gone_is_not_suggested() -> None:
    history = learned(many(9, "returns", "refund", "gone"))
    reply = answered(near=("label", "mend"))
    turns = (
        Turn(role="user", text="print a RETURN label?"),
        Turn(role="assistant", text="x", trace=cites(answered("mend").citations)),
    )
    assert keys(reply, history, replace(C, turns=turns)) == ["refund"]


def test_an_abstention_names_the_nearest_articles_by_their_titles() -> None:
    history = learned(many(5, "refund") + many(9, "returns", "mend"))
    reply = answered("label", near=("refund",), action="abstain", citations=())
    made = suggested(reply, C, retriever(), history, 9)
    assert [item.text for item in made] == [TITLES["label"], TITLES["refund"]]


def asked(question: str, *names: str) -> History:
    return learned([n for name in names for n in past("refund", name=name, question=question)])


def text_of(history: History, state: State = C) -> str:
    (made,) = suggested(answered(near=("refund",)), state, retriever(), history, 9)
    return made.text


def test_a_question_of_several_customers_stands_for_the_article() -> None:
    common = asked("How long does a refund take?", "a", "b", "c")
    assert text_of(common) == "How long does a refund take?"
    assert text_of(asked("How long does a refund take?", "a", "b")) == TITLES["refund"]
    thrice = asked("How long does a refund take?", "a", "a", "a")
    assert text_of(thrice) == TITLES["refund"]
    said = replace(C, turns=(Turn(role="user", text="how long does a refund take"),))
    assert text_of(common, said) == TITLES["refund"]


@pytest.mark.parametrize(
    "question",
    [
        "How long does a refund take, you thieves?",  # not the article's word
        "When will the refund of FW-20418833 arrive?",
        "When will my refund arrive at kim@mail.example?",
        f"When will my refund {'arrive ' * 20}?",
    ],
)
def test_a_private_or_foreign_word_keeps_a_question_back(question: str) -> None:
    assert text_of(asked(question, "a", "b", "c")) == TITLES["refund"]


def test_the_order_is_always_the_same() -> None:
    history = learned(many(4, "returns", "mend") + many(4, "returns", "label", country="IE"))
    first = keys(answered(), history)
    assert all(keys(answered(), history) == first for _ in range(5))
    assert first == ["label", "mend"]  # equal: by their texts


def test_a_profile_has_no_empty_values() -> None:
    state = replace(C, profile={"plan": ""}, slots={"email": SlotValue(value="a@b.c", turn=1)})
    assert profile_of(state) == {}


def test_a_reply_suggests_and_a_flow_keeps_its_own_buttons() -> None:
    history = learned(many(9, "returns", "repairs"))
    with open_shop() as shop:
        shop.parts["dialogue"] = replace(shop.parts["dialogue"], history=lambda: history)
        _, replies = shop.talk(QUESTION, "where is my order?", QUESTION)
    assert replies[0].suggestions[0].article_id == "repairs"
    assert any(line.startswith("cites: returns") for line in replies[0].trace)
    assert replies[2].action == "answer"
    assert replies[2].suggestions == ()


def test_an_old_history_is_read_anew_beside_the_replies() -> None:
    clock, read = [0.0], threading.Semaphore(0)
    needs = many(3, "returns", "refund")

    def reading() -> list[Need]:
        read.release()
        return needs

    remembered = Remembered(reading, every_s=10, clock=lambda: clock[0])
    assert remembered().paths == {}
    assert read.acquire(timeout=60)
    _wait(lambda: bool(remembered().paths))
    assert not read.acquire(blocking=False)
    clock[0] = 11.0
    remembered()
    assert read.acquire(timeout=60)


def test_a_history_that_cant_be_read_leaves_the_one_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing() -> list[Need]:
        raise TruepennyError("the database is away")

    remembered = Remembered(failing)
    assert remembered().paths == {}
    _wait(lambda: "the database is away" in caplog.text)
    assert remembered().paths == {}


def _wait(until: Any) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if until():
            return
        pause.wait(0.02)
    raise AssertionError("waited too long")
