"""Ranking by fused signals; each has the influence of its weight and no more."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.index import Index, build, open_index
from retrieval.retriever import RetrievalConfig, Retriever
from retrieval.types import Article
from tests.fakes import FakeEmbedder, FakeVerifier

TEXTS = {
    "returns": "You can return most items within 45 days. Opened soap is never refunded.",
    "delivery": "Standard delivery costs €4.95.\n\n- Orders over €60 ship free\n- express costs €9",
    "repairs": "Book a repair at the workshop in Hestwick. Zips are mended while you wait.",
    "account": "Your account is locked after six attempts. Reset the password by e-mail.",
    "heading": "## Contact\n\nHello!",
}
ARTICLES = [Article(id=key, title=key.title(), text=text) for key, text in TEXTS.items()]
QUERIES = (
    "how long can I return items", "what does express delivery cost", "locked account password",
    "repair zips", "soap", "zzz qqq", "the of and", "Hestwick €9", "退货", "x" * 3000,
)  # fmt: skip
OFF: dict[str, Any] = {"passage_weight": 0.0, "sentence_weight": 0.0, "bm25_weight": 0.0}


@lru_cache(maxsize=1)
def opened() -> Index:
    with TemporaryDirectory() as folder:  # what is mapped into memory outlives its name
        build(ARTICLES, Path(folder), FakeEmbedder())
        return open_index(Path(folder), "fake")


def retriever(reranker: Any = None, **config: Any) -> Retriever:
    return Retriever(opened(), FakeEmbedder(), reranker, RetrievalConfig(**config))


def order(found: Retriever, query: str, k: int | None = None) -> list[str]:
    return [hit.passage.article_id for hit in found.search(query, k)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    list(zip(QUERIES[:5], ["returns", "delivery", "account", "repairs", "returns"], strict=True)),
)
@pytest.mark.parametrize("reranker", [None, FakeVerifier()])
def test_the_right_passage_is_first(query: str, wanted: str, reranker: Any) -> None:
    assert order(retriever(reranker), query)[0] == wanted


@given(
    query=st.sampled_from(QUERIES),
    k=st.integers(1, 12),
    weights=st.tuples(*[st.floats(0, 2) for _ in range(4)]),
    candidates=st.integers(0, 12),
    reranked=st.booleans(),
)
def test_hits_are_sorted_ranked_and_distinct(
    query: str, k: int, weights: tuple[float, ...], candidates: int, reranked: bool
) -> None:
    names = ("passage_weight", "sentence_weight", "bm25_weight", "rerank_weight")
    config = dict(zip(names, weights, strict=True))
    found = retriever(FakeVerifier() if reranked else None, candidates=candidates, **config)
    hits = found.search(query, k)
    assert len(hits) == min(k, len(ARTICLES))
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert len({hit.passage.id for hit in hits}) == len(hits)
    scores = [hit.score for hit in hits]
    cut = candidates if reranked and candidates else len(hits)  # the tail isn't reranked
    for part in (scores[:cut], scores[cut:]):
        assert part == sorted(part, reverse=True)
    assert hits == found.search(query, k)


@given(query=st.sampled_from(QUERIES), weight=st.floats(0.1, 3))
def test_a_weight_of_zero_takes_the_signal_out(query: str, weight: float) -> None:
    for name, signal in (
        ("passage_weight", "passage"),
        ("sentence_weight", "sentence"),
        ("bm25_weight", "bm25"),
    ):
        alone = retriever(candidates=0, **{**OFF, name: weight})
        wanted = {
            opened().passages[item.row].id: weight * getattr(item, signal)
            for item in alone.candidates(query, 10)
        }
        for hit in alone.search(query):
            assert hit.score == pytest.approx(wanted[hit.passage.id], abs=1e-5)


def test_all_weights_zero_still_gives_hits() -> None:
    assert len(retriever(**OFF).search("return items")) == len(ARTICLES)


@given(query=st.sampled_from(QUERIES))
def test_signals_keep_to_their_ranges(query: str) -> None:
    found = retriever()
    for item in found.candidates(query, 10):
        assert -1.001 <= item.passage <= 1.001
        assert -1.001 <= item.sentence <= 1.001
        assert 0.0 <= item.bm25 <= 1.0
    passage, sentence = found.signals(query, found.search(query))
    assert -1.001 <= passage <= 1.001
    assert -1.001 <= sentence <= 1.001


def test_k_larger_than_the_index_and_the_default() -> None:
    assert len(retriever().search("soap", 99)) == len(ARTICLES)
    assert len(retriever(top_k=2).search("soap")) == 2
    assert len(retriever(top_k=2).search("soap", 3)) == 3


class Contrary(FakeVerifier):
    """Likes best what the others like least."""

    def rerank(self, query: str, passages: Any) -> list[float]:
        return [1 - chance for chance in super().rerank(query, passages)]


def test_the_reranker_has_its_say_by_its_weight() -> None:
    query = "how long can I return items"
    plain = order(retriever(), query)
    turned = order(retriever(Contrary(), rerank_weight=5.0), query)
    assert turned[0] != plain[0] == "returns"
    assert turned[-1] == "returns"
    assert order(retriever(Contrary(), rerank_weight=0.0), query) == plain


def test_only_candidates_are_reranked_and_none_when_off() -> None:
    seen: list[int] = []

    class Counting(FakeVerifier):
        def rerank(self, query: str, passages: Any) -> list[float]:
            seen.append(len(passages))
            return super().rerank(query, passages)

    retriever(Counting(), candidates=2).search("soap", 5)
    retriever(Counting(), candidates=0).search("soap", 5)
    assert seen == [2]


@pytest.mark.parametrize("chances", [[0.0], [1.0]])
def test_a_sure_reranker_gives_finite_scores(chances: list[float]) -> None:
    class Sure(FakeVerifier):
        def rerank(self, query: str, passages: Any) -> list[float]:
            return chances * len(passages)

    assert all(abs(hit.score) < 100 for hit in retriever(Sure()).search("soap"))


def test_sentence_similarities_go_with_the_spans() -> None:
    found = retriever()
    for hit in found.search("express costs"):
        spans = found.spans(hit.passage)
        similar = found.sentence_similarities("express costs", hit)
        assert len(similar) == len(spans)
        if hit.passage.article_id == "delivery":
            start, end = spans[int(similar.argmax())]
            assert hit.passage.text[start:end] == "- express costs €9"
        if hit.passage.article_id == "heading":
            assert spans == ()


def test_the_query_is_embedded_once() -> None:
    embedder = FakeEmbedder()
    found = Retriever(opened(), embedder)
    hits = found.search("soap")
    found.signals("soap", hits)
    assert embedder.texts == ["soap"]
