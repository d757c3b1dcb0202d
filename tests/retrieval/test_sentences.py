"""Units are in order, apart and stripped; what holds together stays together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sentences import is_heading, is_item, sentence_spans, without_mark

_pieces = st.sampled_from(
    [
        "You have 45 days. ", "It costs €4.95. ", "See https://example.com/a.b?c=d. ",
        "Dr. Smith helps, e.g. with soap. ", "\n", "\n\n", "- an item\n", "12. a step\n",
        "# A heading\n", "| a | b |\n", "| --- | --- |\n", "```\n", "~~~\n", "  ", "\t", "…",
        "Is it so? ", "No! ", "\u00a0", "\u2028", "退货需要45天。", "\r\n", "\x0b", '"Yes." ',
    ]
)  # fmt: skip
_texts = st.one_of(st.text(), st.lists(_pieces, max_size=25).map("".join))


def units(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, language)]


@given(text=_texts, language=st.sampled_from(["en", "de", "zh", "xx"]))
def test_spans_are_ordered_apart_and_stripped(text: str, language: str) -> None:
    at = 0
    for start, end in sentence_spans(text, language):
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        at = end


@given(text=_texts)
def test_no_word_is_lost_but_the_rules_of_tables(text: str) -> None:
    kept = "".join(units(text))
    for char in set(text):
        if char.isalnum():
            assert kept.count(char) == text.count(char)


@given(text=_texts)
def test_it_is_the_same_every_time(text: str) -> None:
    assert sentence_spans(text) == sentence_spans.__wrapped__(text)


@pytest.mark.parametrize(
    "sentence",
    [
        "Delivery costs €4.95 below €60.",
        "Version 2.10.3 needs 1.5 GB of space.",
        "Write to help@example.co.uk or see https://www.example.com/a.b/c?d=e.f for more.",
        "Dr. Smith and Mrs. Jones are in, e.g. on Mondays.",
        "It opens at 9 a.m. and closes at 5 p.m. on weekdays.",
        "Items (incl. soap) cost €5 each, or no. 5 for €4.",
        "Run `npm install foo.bar --save. now` in C:\\Users\\me\\app.v2 first.",
        "The fee is 1.234,50 EUR, i.e. 3.5 % of the total, approx. twice the old one.",
        "It ships from Fernway Ltd. in St. Mary Street on Jan. 5 at 10.30 a.m. sharp.",
        "Error 0x80070005 (see docs.example.com/v1.2/errors.html#e.5) means no access.",
    ],
)
def test_a_sentence_with_stops_inside_is_one(sentence: str) -> None:
    text = f"Some words come first. {sentence} Then something else follows."
    assert units(text)[1] == sentence


def test_sentences_of_a_paragraph_over_lines() -> None:
    assert units("One is so.\nTwo is\nso. Three?") == ["One is so.", "Two is\nso.", "Three?"]


def test_items_rows_and_headings_are_units() -> None:
    text = (
        "## Send it back\nBefore you send it:\n- pack it. Tape it.\n2) print it\n\n"
        "| Kind | Days |\n|---|---|\n| Sale. No. | 21 |"
    )
    assert units(text) == [
        "## Send it back", "Before you send it:", "- pack it. Tape it.", "2) print it",
        "| Kind | Days |", "| Sale. No. | 21 |",
    ]  # fmt: skip


@pytest.mark.parametrize("mark", ["```", "~~~"])
def test_code_is_one_unit(mark: str) -> None:
    code = f"{mark}sh\n# no heading. No sentence.\n\n- no item\n{mark}"
    assert units(f"Run this.\n\n{code}\n\nThen wait.") == ["Run this.", code, "Then wait."]
    assert units(f"Run this.\n{mark}\nnever. closed.") == ["Run this.", f"{mark}\nnever. closed."]


def test_a_long_item_is_cut_into_sentences() -> None:
    found = units("- " + "This sentence is said again and again. " * 8)
    assert len(found) == 8


@pytest.mark.parametrize("text", ["", "   \n\n ", "|---|---|"])
def test_nothing_has_no_units(text: str) -> None:
    assert sentence_spans(text) == ()


def test_marks() -> None:
    assert [without_mark(text) for text in ("- a", "12. a", "3) a", "• a", "a - b")] == [
        "a", "a", "a", "a", "a - b",
    ]  # fmt: skip
    assert is_item("  * a")
    assert not is_item("2024 was good")
    assert not is_item("-5 degrees")
    assert is_heading(" # a")
    assert not is_heading("a # b")
