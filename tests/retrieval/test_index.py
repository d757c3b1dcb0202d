"""The index: what is embedded again, what is swapped, and what makes it unusable."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import IndexUnusable, RetrievalError
from retrieval.index import Built, build, open_index, quotable_spans
from retrieval.types import Article
from tests.fakes import FakeEmbedder

RETURNS = Article(id="returns", title="Returns", text="You have 45 days. Soap is never refunded.")
DELIVERY = Article(
    id="delivery",
    title="Delivery",
    text="## Costs\n\nIt costs €4.95:\n\n- free from €60\n- express is €9",
)
ARTICLES = (RETURNS, DELIVERY)


def make(folder: Path, *articles: Article, embedder: FakeEmbedder | None = None) -> Built:
    return build(articles or ARTICLES, folder, embedder or FakeEmbedder())


def here(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text().strip()


def test_build_open_and_look(tmp_path: Path) -> None:
    built = make(tmp_path)
    index = open_index(tmp_path, "fake")
    assert (built.articles, built.passages, built.added) == (2, 2, 2)
    assert (built.changed, built.removed) == (0, 0)
    assert index.version == built.version
    assert [found.article_id for found in index.passages] == ["returns", "delivery"]
    assert index.passages[1].headings == ("Costs",)
    [vector] = FakeEmbedder().embed(["Returns\nSoap is never refunded."])
    _, rows = index.sentence_vectors.search(vector[None, :], 1)
    owner = int(np.searchsorted(index.offsets, rows[0][0], side="right")) - 1
    assert index.passages[owner].id == index.passages[index.rows[index.passages[owner].id]].id
    assert owner == 0


def test_spans_are_sentences_that_say_something() -> None:
    text = DELIVERY.text
    found = [text[start:end] for start, end in quotable_spans(text)]
    assert found == ["It costs €4.95:", "- free from €60", "- express is €9"]


def test_each_row_is_the_vector_of_its_text(tmp_path: Path) -> None:
    make(tmp_path, *(replace(RETURNS, id=str(n), text=f"Number {n}. " * n) for n in range(1, 9)))
    index = open_index(tmp_path, "fake")
    for row, found in enumerate(index.passages):
        first, last = index.offsets[row], index.offsets[row + 1]
        assert last - first == len(index.spans[row])
        for at, (start, end) in zip(range(first, last), index.spans[row], strict=True):
            [wanted] = FakeEmbedder().embed([f"Returns\n{found.text[start:end]}"])
            assert index.sentence_vectors.reconstruct(int(at)) == pytest.approx(wanted)


def test_only_what_changed_is_embedded_again(tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    make(tmp_path, embedder=embedder)
    first, embedder.texts = list(embedder.texts), []
    changed = replace(RETURNS, text="You have 30 days now. Soap is never refunded.")
    built = make(tmp_path, changed, DELIVERY, embedder=embedder)
    assert len(first) == 2 + 2 + 3
    assert len(embedder.texts) == 1 + 2
    assert not [text for text in embedder.texts if "€" in text]
    assert (built.added, built.changed, built.removed) == (0, 1, 1)
    again = open_index(tmp_path, "fake")
    make(tmp_path / "clean", changed, DELIVERY)
    clean = open_index(tmp_path / "clean", "fake")
    for mine, fresh in (
        (again.passage_vectors, clean.passage_vectors),
        (again.sentence_vectors, clean.sentence_vectors),
    ):
        assert mine.reconstruct_n(0, mine.ntotal) == pytest.approx(
            fresh.reconstruct_n(0, fresh.ntotal)
        )


def test_nothing_is_embedded_when_nothing_changed(tmp_path: Path) -> None:
    make(tmp_path)
    embedder = FakeEmbedder()
    built = make(tmp_path, DELIVERY, RETURNS, embedder=embedder)
    assert embedder.texts == []
    assert (built.added, built.changed, built.removed) == (0, 0, 0)
    assert len(open_index(tmp_path, "fake").passages) == 2


def test_what_is_gone_from_the_sources_goes(tmp_path: Path) -> None:
    make(tmp_path)
    built = make(tmp_path, DELIVERY)
    assert (built.passages, built.removed) == (1, 1)
    index = open_index(tmp_path, "fake")
    assert [found.article_id for found in index.passages] == ["delivery"]
    assert not index.lexical.scores("soap refunded").any()


def test_another_embedder_embeds_everything(tmp_path: Path) -> None:
    make(tmp_path)
    other = FakeEmbedder("other")
    make(tmp_path, embedder=other)
    assert len(other.texts) == 7
    assert len(open_index(tmp_path, "other").passages) == 2


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    many = [replace(RETURNS, id=str(n), text=f"Words {n} here.") for n in range(400)]
    build(many, tmp_path, FakeEmbedder(), lambda done, total: calls.append((done, total)))
    assert calls == [(512, 800), (800, 800)]


def test_a_reader_keeps_the_index_it_opened(tmp_path: Path) -> None:
    make(tmp_path)
    old = open_index(tmp_path, "fake")
    make(tmp_path, replace(RETURNS, text="All is other now."))
    new = open_index(tmp_path, "fake")
    assert old.version != new.version
    assert old.passages[0].text == RETURNS.text
    assert old.passage_vectors.reconstruct(0).any()
    assert old.lexical.scores("soap").any()
    assert new.passages[0].text == "All is other now."


def test_old_versions_are_dropped(tmp_path: Path) -> None:
    for n in range(4):
        make(tmp_path, replace(RETURNS, text=f"Version {n} is here."))
    versions = {path.parent.name for path in tmp_path.glob("*/manifest.json")}
    assert here(tmp_path).name in versions
    assert len(versions) <= 2


def test_no_articles(tmp_path: Path) -> None:
    for articles in ([], [replace(RETURNS, text=" \n ")]):
        with pytest.raises(RetrievalError, match="no passages"):
            build(articles, tmp_path, FakeEmbedder())
    assert not (tmp_path / "CURRENT").exists()


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexUnusable, match=r"no index in .*truepenny index"):
        open_index(tmp_path, "fake")


def test_another_embedder_cannot_open_it(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(IndexUnusable, match=r"fake.*other.*index the sources again"):
        open_index(tmp_path, "other")


def test_another_format_cannot_be_opened(tmp_path: Path) -> None:
    make(tmp_path)
    manifest = here(tmp_path) / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(IndexUnusable, match=r"format 99.*index the sources again"):
        open_index(tmp_path, "fake")


@pytest.mark.parametrize(
    "name", ["manifest.json", "passages.jsonl", "passages.faiss", "sentences.faiss", "bm25"]
)
@pytest.mark.parametrize("how", ["missing", "truncated", "garbage"])
def test_a_damaged_index_says_so(tmp_path: Path, name: str, how: str) -> None:
    make(tmp_path)
    path = here(tmp_path) / name
    if path.is_dir():
        path = next(path.glob("*vocab*"))
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.write_bytes(b"\x00garbage\xff" * 20)
    with pytest.raises(IndexUnusable, match=r"damaged.*index the sources again"):
        open_index(tmp_path, "fake")


@pytest.mark.parametrize("name", ["manifest.json", "passages.faiss"])
def test_a_damaged_index_is_built_anew(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    (here(tmp_path) / name).write_bytes(b"garbage")
    embedder = FakeEmbedder()
    make(tmp_path, replace(RETURNS, text="Now it is well again."), embedder=embedder)
    assert embedder.texts
    assert open_index(tmp_path, "fake").passages[0].text == "Now it is well again."


def test_a_pointer_to_nowhere(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "CURRENT").write_text("20200101T000000-00000000\n")
    with pytest.raises(IndexUnusable, match="index the sources again"):
        open_index(tmp_path, "fake")
