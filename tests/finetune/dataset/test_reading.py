"""Reading rows and exports: every kind, and a clear error with the place for everything else."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.types import Turn
from finetune.dataset.exchanges import from_articles, read_exchanges, read_past
from finetune.dataset.exports import read_conversations
from finetune.errors import DataError
from retrieval.types import Article

ZENDESK = {
    "id": 7, "requester_id": 1, "requester": {"id": 1, "name": "Ada Byron"},
    "comments": [
        {"author_id": 1, "plain_body": "Where is my parcel?", "public": True},
        {"author_id": 1, "body": "It is late.", "public": True},
        {"author_id": 9, "body": "ask the depot", "public": False},
        {"author_id": 9, "html_body": "<p>It arrives on <b>Monday</b>.</p>", "public": True},
    ],
}  # fmt: skip
CHATWOOT = {
    "id": 3,
    "messages": [
        {"id": 2, "content": "We open at 9.", "message_type": 1, "created_at": 20,
         "sender": {"name": "Grace Hopper"}},
        {"id": 1, "content": "When do you open?", "message_type": 0, "created_at": 10},
        {"id": 3, "content": "assigned", "message_type": 2, "created_at": 30},
        {"id": 4, "content": "a note", "message_type": 1, "private": True, "created_at": 40},
    ],
}  # fmt: skip


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def article(title: str, text: str) -> Article:
    return Article(id=title.lower(), title=title, text=text)


def test_rows_of_jsonl_json_and_csv_are_the_same(tmp_path: Path) -> None:
    row = {"question": "Where?", "answer": "Here, in town.", "article": "where"}
    (tmp_path / "a.json").write_text(json.dumps([row]))
    (tmp_path / "a.csv").write_text('question,answer,article\nWhere?,"Here, in town.",where\n')
    (tmp_path / "a.tsv").write_text("question\tanswer\tarticle\nWhere?\tHere, in town.\twhere\n")
    write(tmp_path / "a.jsonl", row)
    read = [read_exchanges(tmp_path / f"a.{kind}")[0] for kind in ("json", "csv", "tsv", "jsonl")]
    assert len({(e.question, e.answer, e.article) for e in read}) == 1
    assert read[0].answer == "Here, in town."


def test_passages_and_history_come_along(tmp_path: Path) -> None:
    row = {"question": "q one", "answer": "a", "conversation": 5,
           "passages": ["plain text", {"title": "T", "text": "body", "id": "p1", "article": "art"}],
           "history": [{"role": "user", "text": "hi"}]}  # fmt: skip
    (made,) = read_exchanges(write(tmp_path / "a.jsonl", row))
    assert [(p.title, p.text) for p in made.passages] == [("", "plain text"), ("T", "body")]
    assert (made.passages[1].id, made.passages[1].article_id) == ("p1", "art")
    assert made.passages[0].article_id
    assert made.history == (Turn(role="user", text="hi"),)
    assert made.conversation == "5"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": "q"}, r":1: `answer` must be a text that isn't empty, got None"),
        ({"question": " ", "answer": "a"}, "`question` must be"),
        ({"question": "q", "answer": "a", "passages": {}} | {"passages": 3}, "must be a list"),
        ({"question": "q", "answer": "a", "passages": [{"t": 1}]}, "a passage must be"),
        ({"question": "q", "answer": "a", "history": [{"role": "x"}]}, "a turn of `history`"),
        ([1], "expected a JSON object with named fields, got list"),
    ],
)
def test_a_malformed_row_is_named(row: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read_exchanges(write(tmp_path / "a.jsonl", row))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"question"', r"a\.jsonl:1 is not valid JSON"),
        ("a.json", "[1", "is not valid JSON"),
        ("a.jsonl", "\n\n", "holds no rows"),
        ("a.csv", "question,answer\n", "holds no rows"),
        ("a.csv", "question,answer\na,b,c\n", r"a\.csv:2: the row has another number of columns"),
        ("a.csv", "question,answer\na\n", "another number of columns"),
    ],
)
def test_a_malformed_file_is_named(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=said):
        read_exchanges(tmp_path / name)


def test_a_file_that_is_not_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\x00")
    for name in ("a.jsonl", "b.jsonl"):
        with pytest.raises(DataError, match="can't be read as UTF-8"):
            read_exchanges(tmp_path / name)


def test_zendesk(tmp_path: Path) -> None:
    for path in (write(tmp_path / "a.jsonl", ZENDESK),
                 write(tmp_path / "b.json", {"tickets": [ZENDESK]})):  # fmt: skip
        (found,) = read_conversations(path)
        assert found.id == "zendesk-7"
        assert found.names == ("Ada Byron",)
        assert [(turn.role, turn.text) for turn in found.turns] == [
            ("user", "Where is my parcel?\nIt is late."),
            ("assistant", "It arrives on Monday."),
        ]


def test_chatwoot_in_its_three_forms(tmp_path: Path) -> None:
    loose = [{**message, "conversation_id": 3} for message in CHATWOOT["messages"]]  # type: ignore[attr-defined]
    forms = ([CHATWOOT], [{"payload": loose}], loose)
    for number, rows in enumerate(forms):
        (found,) = read_conversations(write(tmp_path / f"{number}.jsonl", *rows))
        assert (found.id, found.names) == ("chatwoot-3", ("Grace Hopper",))
        assert [(t.role, t.text) for t in found.turns] == [
            ("user", "When do you open?"), ("assistant", "We open at 9.")
        ]  # fmt: skip


def test_each_answer_has_what_led_to_it(tmp_path: Path) -> None:
    turns = [{"speaker": who, "text": f"{who} {n}"} for n, who in
             enumerate(("agent", "customer", "agent", "customer", "agent"))]  # fmt: skip
    first, second = read_past(write(tmp_path / "a.jsonl", {"id": "c1", "turns": turns}))
    assert (first.question, first.answer) == ("customer 1", "agent 2")
    assert [turn.text for turn in first.history] == ["agent 0"]
    assert (second.question, second.answer, len(second.history)) == ("customer 3", "agent 4", 3)
    assert first.conversation == second.conversation == "c1"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "hello"}, r"no conversation; expected .* got \['text'\]"),
        ({"comments": []}, "needs requester_id"),
        ({"turns": [{"role": "boss", "text": "x"}]}, "a role of user"),
    ],
)
def test_an_unknown_export_is_refused(row: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read_conversations(write(tmp_path / "a.jsonl", row))


def test_titles_and_headings_that_ask_are_answered_by_the_article() -> None:
    found = list(from_articles([
        article("How long can I return?", "You can return items within 45 days. It is free."),
        article("Delivery", "# Delivery\n\nWe deliver.\n\n## When does it arrive?\n\n"
                "It takes three working days.\n\n## Cost\n\nFree for all of you.\n"),
        article("How do I pay?", "Follow these steps:\n\n1. Open it."),
        article("Who are we?", "- a list\n- of items\n"),
    ]))  # fmt: skip
    assert [(e.question, e.answer) for e in found] == [
        ("How long can I return?", "You can return items within 45 days."),
        ("When does it arrive?", "It takes three working days."),
    ]
