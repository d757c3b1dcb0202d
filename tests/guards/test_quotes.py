"""A quote is a whole sentence or several in a row; a part of one is none."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guards.quotes import closest, normal, verbatim
from retrieval.sentences import sentence_spans
from tests.fakes import passage

TEXT = (
    "## Returns\n\nReturns are free if you are a member. Opened soap is never refunded. "
    "You may swap an item within 45 days, unless it was on sale.\n\n"
    "1. Pack it “well”.\n2. Print the label\n\n| Sale | 21 days |\n\nStandard takes 2–3 days."
)
PASSAGE = passage("returns", "Returns", TEXT)
OTHER = passage("other", "Other", "Nothing of the kind stands here.")
_WORDS = ("you", "may", "not", "return", "a", "soap", "if", "it", "is", "open")
_words = st.lists(st.sampled_from(_WORDS), min_size=3, max_size=9)


def units() -> list[str]:
    return [TEXT[start:end] for start, end in sentence_spans(TEXT)]


@pytest.mark.parametrize("unit", units())
def test_every_whole_sentence_is_a_quote(unit: str) -> None:
    found = verbatim(unit, [OTHER, PASSAGE])
    assert found
    assert found.passage_id == PASSAGE.id
    assert found.quote == unit == TEXT[found.span.start : found.span.end]


@pytest.mark.parametrize(
    "claim",
    [
        "opened soap is NEVER refunded",
        "Opened  soap\nis never refunded.",
        'Pack it "well".',
        "- Print the label.",
        "Standard takes 2-3 days",
        "Opened soap is never refunded. You may swap an item within 45 days, unless it was on "
        "sale.",
        "Returns are free if you are a member. Opened soap is never refunded.",
    ],
)
def test_marks_case_and_space_do_not_matter(claim: str) -> None:
    found = verbatim(claim, [PASSAGE])
    assert found
    assert found.quote == TEXT[found.span.start : found.span.end]


@pytest.mark.parametrize(
    "claim",
    [
        "Returns are free.",  # its condition is cut off
        "You may swap an item within 45 days.",
        "You may swap an item.",
        "if you are a member.",
        "soap is never refunded.",
        "Opened soap is refunded.",
        "Opened soap is never refunded!!! Really.",
        "Opened soap is never refunded. Returns are free if you are a member.",  # turned round
        "Returns are free if you are a member. You may swap an item within 45 days, unless it "
        "was on sale.",  # one between is left out
        "21 days",
        "Print",
        "Nothing of the kind",
        "",
        " . ",
        "...",
    ],
)
def test_a_part_or_a_change_is_no_quote(claim: str) -> None:
    assert verbatim(claim, [PASSAGE, OTHER]) is None


def test_sentences_of_two_passages_are_no_quote() -> None:
    claim = "Standard takes 2–3 days. Nothing of the kind stands here."
    assert verbatim(claim, [PASSAGE, OTHER]) is None


@given(sentences=st.lists(_words, min_size=1, max_size=5), data=st.data())
def test_no_strict_part_of_a_sentence_is_a_quote(
    sentences: list[list[str]], data: st.DataObject
) -> None:
    whole = [" ".join(words).capitalize() + "." for words in sentences]
    source = passage("p", "P", " ".join(whole))
    assume([source.text[a:b] for a, b in sentence_spans(source.text)] == whole)
    words = data.draw(st.sampled_from(sentences))
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    part = " ".join(words[start:end])
    is_whole = normal(part) in [normal(text) for text in whole]
    assert bool(verbatim(part, [source])) == is_whole


@given(claim=st.text(max_size=40), text=st.text(max_size=80))
def test_evidence_stands_in_its_passage(claim: str, text: str) -> None:
    source = passage("p", "P", text)
    for found in (verbatim(claim, [source]), closest(claim, source)):
        if found:
            assert text[found.span.start : found.span.end] == found.quote


def test_the_closest_sentence() -> None:
    assert closest("Is opened soap refunded?", PASSAGE).quote == "Opened soap is never refunded."
    assert closest("How long does standard take?", PASSAGE).quote == "Standard takes 2–3 days."
    assert closest("anything", passage("e", "E", "")).quote == ""


def test_no_passages() -> None:
    assert verbatim("Opened soap is never refunded.", []) is None
