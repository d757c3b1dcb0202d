import json

import pytest

from evaluation import faithfulness as room
from evaluation.questions import InputError
from guards.errors import GuardError
from tests.evaluation.fakes import guard

PASSAGES = ["Soap is never refunded.", {"id": "zips", "text": "Zips are mended while you wait."}]
GOOD = {
    "id": 7,
    "question": "Zips?",
    "answer": "Zips are mended while you wait.",
    "passages": PASSAGES,
}
BAD = {"answer": "Zips are mended while you wait. Gloves wash well.", "passages": PASSAGES}


def scored(*rows: object) -> list[room.Row]:
    lines = [(i, r if isinstance(r, str) else json.dumps(r)) for i, r in enumerate(rows, 1)]
    return list(room.rows(lines, guard(), "f.jsonl"))


def test_sentences_and_answers_are_counted_apart() -> None:
    found = scored(GOOD, BAD)
    result = room.summary(found, guard())
    assert result["sentences"]["supported"]["value"] == pytest.approx(2 / 3)
    assert result["sentences"]["unsupported"]["n"] == 3
    assert result["answers_supported"]["value"] == 0.5
    assert found[0]["id"] == 7
    assert found[0]["verdicts"][0]["passage_id"] == "zips"
    assert found[0]["answerable"] is not None
    assert found[1]["answerable"] is None
    (table,) = room.tables(result)
    assert len(table) == 6


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ("{", "JSON"),
        ({**GOOD, "answer": ""}, "answer"),
        ({**GOOD, "question": 5}, "question"),
        ({**GOOD, "passages": "x"}, "passages"),
        ({**GOOD, "passages": [{"id": "x"}]}, "passages"),
        ({"answer": "x"}, "passages"),
    ],
)
def test_a_bad_row_fails_alone(bad: object, word: str) -> None:
    found = scored(GOOD, bad)
    assert f"f.jsonl:2: {word}" in found[1]["error"] or "JSON" in found[1]["error"]
    result = room.summary(found, guard())
    assert (result["rows"], result["failed"]) == (2, 1)
    assert result["sentences"]["supported"] == {**result["sentences"]["supported"], "n": 1}


def test_a_failing_review_is_a_failed_row(monkeypatch) -> None:
    checker = guard()

    def fails(*_: object) -> None:
        raise GuardError("no scores")

    monkeypatch.setattr(checker, "review", fails)
    (found,) = room.rows([(1, json.dumps(GOOD))], checker)
    assert found == {"line": 1, "id": 7, "error": "no scores"}


def test_no_evidence_is_unchecked_and_no_claim_is_empty() -> None:
    found = scored({**GOOD, "passages": []}, {**GOOD, "answer": "Thank you!"})
    result = room.summary(found, guard())
    assert result["sentences"]["unchecked"]["value"] == 1.0
    assert (result["empty"], result["failed"]) == (1, 0)


def test_an_empty_file_is_wrong_use(tmp_path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text("\n")
    with pytest.raises(InputError, match="empty"):
        room.load(path)
