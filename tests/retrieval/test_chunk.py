"""Passages lose nothing, double nothing, and stand where they say."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.chunk import TARGET_WORDS, embedded_text, passages
from retrieval.types import Article, Passage

CODE = "```python\ndef refund(days):\n\n    # not a heading\n    return days < 45\n```"
TABLE = "| Kind | Days |\n| --- | --- |\n| Sale | 21 |\n| Soap | none |"
LIST = "Before you send it back:\n\n1. Pack it.\n2. Print the label.\n   - in colour\n3. Post it."

_words = st.text("abc é中9.,:#|`-", min_size=1, max_size=12)
_blocks = st.one_of(
    st.lists(_words, min_size=1, max_size=60).map(" ".join),
    st.tuples(st.integers(1, 6), _words).map(lambda made: f"{'#' * made[0]} {made[1]}"),
    st.lists(_words, min_size=1, max_size=6).map(lambda rows: "\n".join(f"- {r}" for r in rows)),
    st.sampled_from([CODE, TABLE, LIST, "```\nnever closed", "~~~\n~~~", "\u2028", "\x0c", "\r"]),
)
_texts = st.lists(_blocks, max_size=12).flatmap(
    lambda blocks: st.sampled_from(["\n\n", "\n", "\r\n\r\n", "\n \n\n"]).map(
        lambda glue: glue.join(blocks)
    )
)


def article(text: str) -> Article:
    return Article(id="a", title="Returns", url="https://help.example.com/a", text=text)


def cut(text: str, target_words: int = TARGET_WORDS) -> list[Passage]:
    return passages(article(text), target_words)


@given(text=st.one_of(st.text(), _texts), target=st.integers(2, 40))
def test_every_character_is_in_exactly_one_passage(text: str, target: int) -> None:
    found = cut(text, target)
    at = 0
    for item in found:
        assert text[item.start : item.end] == item.text
        assert item.text.strip()
        assert not text[at : item.start].strip()
        assert item.start >= at
        at = item.end
    assert not text[at:].strip()


@given(text=_texts)
def test_the_same_article_gives_the_same_ids(text: str) -> None:
    found = cut(text)
    assert found == cut(text)
    keys = {(item.headings, item.text) for item in found}
    assert len({item.id for item in found}) == len(keys)


@pytest.mark.parametrize("block", [CODE, TABLE, LIST])
@pytest.mark.parametrize("target", [12, 40])
def test_code_and_tables_and_lists_survive(block: str, target: int) -> None:
    filler = "Some words about nothing. " * 4
    found = cut(f"{filler}\n\n{block}\n\n{filler}", target)
    whole = "\n".join(item.text for item in found)
    assert [line for line in block.splitlines() if line.strip() and line not in whole] == []


def test_fenced_code_is_whole_and_holds_no_heading() -> None:
    found = cut(f"## Before\n\n{CODE}\n\n## After\n\nWords.", target_words=8)
    held = [item for item in found if CODE in item.text]
    assert len(held) == 1
    assert held[0].headings == ("Before",)
    assert [item.headings for item in found] == [("Before",), ("After",)]


def test_the_path_of_headings() -> None:
    text = "# Top\n\none\n\n## Mid\n\n### Low\n\ntwo\n\n## Other\n\nthree\n\n# End\n\nfour"
    found = cut(text, target_words=2)
    assert [item.headings for item in found] == [
        ("Top",), ("Top", "Mid", "Low"), ("Top", "Other"), ("End",),
    ]  # fmt: skip


def test_a_heading_stays_with_the_text_below_it() -> None:
    text = "## Refunds\n\n" + "word " * 50 + "\n\n## Delivery\n\n" + "word " * 50
    assert [item.text.split("\n")[0] for item in cut(text, 60)] == ["## Refunds", "## Delivery"]


def test_a_heading_with_nothing_below_is_kept() -> None:
    assert "".join(item.text for item in cut("Words.\n\n## Last")).endswith("## Last")


@pytest.mark.parametrize("target", [20, 130])
def test_passages_keep_to_about_the_target(target: int) -> None:
    lines = "\n".join(f"{n}. " + "word " * 9 for n in range(1, 200))
    paragraphs = "\n\n".join("word " * 15 for _ in range(80))
    for text in (lines, paragraphs):
        assert max(len(item.text.split()) for item in cut(text, target)) <= target * 2 + 10


@pytest.mark.parametrize("text", ["", " \n\n\t ", "\u2028\n"])
def test_an_empty_article_has_no_passages(text: str) -> None:
    assert cut(text) == []


def test_ids_change_with_what_is_embedded_and_only_with_it() -> None:
    one = article("Words about returns.")
    [first] = passages(one)
    [moved] = passages(replace(one, text="\n\nWords about returns.\n", url=None))
    assert moved.id == first.id
    others = (replace(one, text="Words."), replace(one, title="T"), replace(one, id="b"))
    assert all(passages(other)[0].id != first.id for other in others)
    assert re.fullmatch(r"[0-9a-f]{20}", first.id)


def test_what_is_embedded_says_title_and_headings_once() -> None:
    [item] = cut("# Returns\n\n## Sale items\n\nThey take 21 days.")
    assert embedded_text(item).splitlines()[0] == "Returns > Sale items"
