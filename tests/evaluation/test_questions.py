import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.questions import InputError, holds, load, missing, normal, spread

ROW = {"id": "a", "question": "How long?", "answerable": True, "articles": ["r"], "facts": [["45"]]}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "set.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "alternative"),
    [
        ("within **45  days**\nof it", "45 days"),
        ("It costs €79.", "€79"),
        ("It costs 7.", "7"),
        ("Open 9:00–14:00 daily", "9:00-14:00"),
        ("You can’t return it", "can't be returned".replace("be returned", "return it")),
        ("Run `npm login` first", "NPM login"),
        ("a non‑refundable fee", "non-refundable"),
        ("set __init__ up", "__init__"),
        ("ends in C++", "c++"),
        ("the ﬁle", "file"),
        ("7 per\u00a0month", "7 per month"),
        ("see ~/.config there", ".config"),
    ],
)
def test_a_phrase_is_held(text: str, alternative: str) -> None:
    assert holds(text, alternative)


@pytest.mark.parametrize(
    ("text", "alternative"),
    [
        ("7.5 percent", "7"),
        ("2.7", "7"),
        ("1,300 parts", "30"),
        ("1,300 parts", "1"),
        ("1,300 parts", "300"),
        ("€5.95 each", "€5"),
        ("within 145 days", "45 days"),
        ("from 14:30", "14"),
        ("no returns", "no return"),
        ("5 * 3", "53"),
        ("unclosed", "closed"),
        ("", "7"),
    ],
)
def test_a_phrase_is_not_held(text: str, alternative: str) -> None:
    assert not holds(text, alternative)


@given(st.text(), st.text(), st.text(alphabet="abc xyz€", min_size=1).filter(str.strip))
def test_a_phrase_between_spaces_is_always_held(before: str, after: str, phrase: str) -> None:
    assert holds(f"{before} {phrase} {after}", phrase)


@given(st.text())
def test_normal_text_has_single_spaces_and_plain_dashes(text: str) -> None:
    assert normal(text) == " ".join(normal(text).split())
    assert not set(normal(text)) & set("–—‘’“”`")


def test_every_fact_needs_one_of_its_alternatives() -> None:
    facts = (("45 days", "six weeks"), ("free",))
    assert missing("six weeks", facts) == [["free"]]


def test_a_full_row_and_a_plain_one_are_read(tmp_path: Path) -> None:
    turns = [{"role": "user", "text": "A jacket?"}, {"role": "assistant", "text": "Yes."}]
    path = write(tmp_path, {**ROW, "history": turns, "kind": "x", "near": 1}, {"question": "And?"})
    full, plain = load(path)
    assert [turn.role for turn in full.state().turns] == ["user", "assistant"]
    assert full.kind == "x"
    assert (plain.id, plain.answerable, plain.kind, plain.judged) == (
        "set-002",
        True,
        "plain",
        False,
    )


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("{", "JSON"),
        ([1], "object"),
        ({"question": " "}, "question"),
        ({**ROW, "answerable": "yes"}, "answerable"),
        ({**ROW, "facts": ["45 days"]}, "facts"),
        ({**ROW, "facts": "45 days"}, "facts"),
        ({**ROW, "facts": [["**"]]}, "facts"),
        ({**ROW, "articles": "r"}, "articles"),
        ({**ROW, "history": [{"role": "bot", "text": "x"}]}, "history"),
        ({**ROW, "history": ["x"]}, "history"),
        ({**ROW, "id": 5}, "id"),
        (ROW, "taken"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: object, word: str) -> None:
    with pytest.raises(InputError, match=rf"set\.jsonl:2: .*{word}"):
        load(write(tmp_path, ROW, row))


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="empty"):
        load(write(tmp_path, ""))


def test_a_limit_is_spread_over_the_file() -> None:
    assert spread(list(range(10)), 4) == [0, 2, 5, 7]
    assert spread([1, 2], 5) == [1, 2]


def test_our_own_sets_are_read() -> None:
    for path in sorted(Path("examples/questions").glob("*.jsonl")):
        assert all(question.judged for question in load(path))
