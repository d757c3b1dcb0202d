"""Asking back which article, which flow; once a matter."""

from bot.dialogue.clarify import which_article
from bot.dialogue.flows import Flows
from bot.dialogue.schema import Flow, Say
from bot.dialogue.step import step
from bot.types import State
from retrieval.index import build, open_index
from retrieval.retriever import RetrievalConfig, Retriever
from retrieval.types import Article, Hit
from tests.bot.dialogue.shop import dialogue_parts
from tests.fakes import FakeEmbedder, FakeVerifier, passage

TENT, STOVE = "Warranty of tents", "Warranty of stoves"
ASKED = "How long is the warranty?"
STATE = State(conversation_id="c")


def hits(*titles: str, gap: float = 0.0) -> list[Hit]:
    return [
        Hit(passage=passage(title, title, "It is two years."), score=1 - n * gap, rank=n + 1)
        for n, title in enumerate(titles)
    ]


def test_close_articles_that_differ_in_a_product_are_asked_back_about() -> None:
    pending = which_article(ASKED, hits(TENT, STOVE), STATE)
    assert pending
    assert [option.text for option in pending.options] == [TENT, STOVE]
    assert pending.about == ASKED


def test_a_clear_question_or_a_clear_hit_is_not() -> None:
    assert which_article("How long is the warranty of a tent?", hits(TENT, STOVE), STATE) is None
    assert which_article(ASKED, hits(TENT, STOVE, gap=0.5), STATE) is None
    assert which_article(ASKED, hits(TENT), STATE) is None
    assert which_article(ASKED, hits(TENT, TENT), STATE) is None
    assert which_article(ASKED, hits(TENT, "What delivery costs"), STATE) is None
    assert which_article("Where is your shop?", hits(TENT, STOVE), STATE) is None
    assert which_article(ASKED, [], STATE) is None


def test_a_matter_is_asked_back_about_once() -> None:
    state = State(conversation_id="c", clarified=(f"{STOVE}|{TENT}",))
    assert which_article(ASKED, hits(TENT, STOVE), state) is None
    assert which_article(ASKED, hits(TENT, "Warranty of ropes"), state)


def test_choosing_answers_and_ignoring_goes_on(tmp_path) -> None:  # type: ignore[no-untyped-def]
    articles = [
        Article(id="tent", title=TENT, text="The warranty is long: it lasts five years."),
        Article(id="stove", title=STOVE, text="The warranty is long: it lasts two years."),
    ]
    build(articles, tmp_path, FakeEmbedder())
    index = open_index(tmp_path, "fake")
    found = Retriever(index, FakeEmbedder(), FakeVerifier(), RetrievalConfig())
    parts = dialogue_parts(Flows(), retriever=found)
    asked = "How long is the warranty?"
    state, reply = step(STATE, asked, parts)
    assert reply.action == "clarify"
    assert {s.text for s in reply.suggestions} == {TENT, STOVE}
    _, chosen = step(state, TENT, parts)
    assert chosen.action == "answer"
    assert "five years" in chosen.text
    _, second = step(state, "the warranty of stoves please", parts)
    assert "two years" in second.text
    state, again = step(state, asked, parts)
    assert again.action != "clarify"


def test_two_flows_alike_are_asked_back_about() -> None:
    def flow(title: str, *examples: str) -> Flow:
        return Flow(title=title, examples=examples, steps=(Say(id="s", say=(f"{title}.",)),))

    flows = Flows(
        flows={
            "tent": flow("Mend a tent", "please mend my broken thing now"),
            "stove": flow("Mend a stove", "now please mend my broken thing"),
        }
    )
    parts = dialogue_parts(flows)
    state, reply = step(STATE, "mend my broken thing now please", parts)
    assert reply.action == "clarify"
    assert reply.text == "What would you like to do?"
    assert {s.text for s in reply.suggestions} == {"Mend a tent", "Mend a stove"}
    _, reply = step(state, "the stove", parts)
    assert reply.text == "Mend a stove."
