import json
from pathlib import Path

import pytest

from evaluation import article_drafts as room
from evaluation.gaps import Asked, Gap
from evaluation.questions import InputError
from retrieval.sources import read_all
from tests.evaluation.fakes import WordEmbedder, reply

MARS = room.Answered(question="Do you ship to Mars?", answer="Only to Earth.", source="t-1")


def gap(*questions: str) -> Gap:
    return Gap(
        asked=tuple(
            Asked(customer="c", conversation_id="c", question=q, reply=reply("No."), why="x")
            for q in questions
        )
    )


def test_a_draft_holds_only_what_people_said_and_says_that_it_is_one(tmp_path: Path) -> None:
    answered = [
        MARS,
        room.Answered(question="Do you ship to mars now", answer="Only to Earth.", source="t-2"),
        room.Answered(question="How are gloves washed?", answer="By hand.", source="t-3"),
    ]
    gaps = [gap("do you ship to mars"), gap("Who owns the moon?")]
    (draft,) = room.drafts(gaps, answered, WordEmbedder())
    assert [item.source for item in draft.answers] == ["t-1"]
    path = room.write(draft, tmp_path / "drafts")
    assert [skipped.reason for skipped in read_all([path]).skipped] == ["draft"]
    assert path.read_text().startswith('---\ndraft: true\nmade_from: "t-1"\n---\n')
    path.write_text(path.read_text().replace("draft: true\n", ""))
    (article,) = read_all([path]).articles
    assert article.title == "do you ship to mars"
    assert article.text.strip().endswith("Only to Earth.")
    assert "By hand" not in article.text


def test_an_edited_draft_is_kept(tmp_path: Path) -> None:
    draft = room.ArticleDraft(title="Mars", answers=(MARS,))
    path = room.write(draft, tmp_path)
    path.write_text("edited")
    assert room.write(draft, tmp_path).read_text() == "edited"


def test_without_answers_there_is_no_draft() -> None:
    assert list(room.drafts([gap("Mars?")], [], WordEmbedder())) == []


def test_a_row_without_an_answer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "agents.jsonl"
    path.write_text(json.dumps({"question": "Mars?", "answer": "No."}) + '\n{"question": "x"}')
    with pytest.raises(InputError, match=r"agents\.jsonl:2"):
        room.load(path)
    path.write_text(json.dumps({"question": "Mars?", "answer": "No."}))
    assert room.load(path)[0].source == "agents.jsonl:1"
