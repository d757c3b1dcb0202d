import math

import pytest

from bot.types import Turn
from evaluation import retrieval
from evaluation.questions import Question
from tests.evaluation.fakes import WordVerifier, retriever

QUESTIONS = [
    Question(id="a", question="How many days to return items?", articles=("returns",)),
    Question(id="b", question="Where is the workshop?", articles=("repairs", "delivery")),
    Question(id="c", question="Nothing fits", articles=("gone",)),
    Question(id="d", question="No articles"),
    Question(id="e", question="Mars?", answerable=False),
]


def test_variants_add_one_signal_at_a_time(tmp_path) -> None:
    found = retrieval.variants(
        retriever(tmp_path, reranker=WordVerifier(), sentence_weight=0.5, bm25_weight=0.15)
    )
    assert list(found)[-1] == "dense+sentences+bm25+reranker"
    weights = [(c.passage_weight, c.sentence_weight, c.bm25_weight) for c in found.values()]
    assert weights == [(1, 0, 0), (1, 0.5, 0), (1, 0.5, 0.15), (1, 0.5, 0.15)]
    assert [c.candidates for c in found.values()] == [0, 0, 0, 10]


def test_without_a_reranker_its_variant_is_left_out(tmp_path) -> None:
    assert len(retrieval.variants(retriever(tmp_path))) == 3


def test_ranks_recall_and_mrr(tmp_path) -> None:
    found = list(retrieval.rows(QUESTIONS, retriever(tmp_path, reranker=WordVerifier())))
    assert [row["id"] for row in found] == ["a", "b", "c"]
    ranks = [row["variants"]["dense"]["rank"] for row in found]
    assert ranks == [1, 1, None]
    metrics = retrieval.summary(found)["variants"]["dense"]
    assert metrics["recall@1"]["value"] == pytest.approx(2 / 3)
    assert metrics["mrr"]["value"] == pytest.approx(2 / 3)
    assert metrics["ms"]["n"] == 3
    (table,) = retrieval.tables(retrieval.summary(found))
    assert len(table) == 8
    assert retrieval.summary([]) == {"n": 0, "depth": 50, "variants": {}}


def test_a_follow_up_is_searched_with_its_question(tmp_path) -> None:
    turns = (Turn(role="user", text="Can I return soap?"), Turn(role="assistant", text="No."))
    question = Question(id="h", question="and zips?", history=turns, articles=("returns",))
    (row,) = retrieval.rows([question], retriever(tmp_path))
    assert row["query"] == "Can I return soap? and zips?"


def test_ndcg_by_hand() -> None:
    assert retrieval.ndcg(["a", "x", "b"], ["a", "b"]) == pytest.approx(
        (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    )
    assert retrieval.ndcg(["x"], ["a"]) == 0.0
    assert retrieval.ndcg(["x", "a"], ["a"], cut=1) == 0.0
