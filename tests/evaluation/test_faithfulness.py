import json

import pytest

from evaluation import faithfulness as room
from evaluation.questions import InputError
from guards.errors import GuardError
from tests.evaluation.fakes import guard
from tests.evaluation.reading import read

PASSAGES = ["Soap is never refunded.", {"id": "zips", "text": "Zips are mended while you wait."}]
GOOD = {
    "id": 7,
    "question": "Zips?",
    "answer": "Zips are mended while you wait.",
    "passages": PASSAGES,
}
BAD = {"answer": "Zips are mended while you wait. Gloves wash well.", "passages": PASSAGES}


def scored(*rows: object) -> list[room.Row]:
    text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows)
    return list(room.rows(read("f.jsonl", text), guard(), "f.jsonl"))


def test_sentences_and_answers_are_counted_apart() -> None:
    found = scored(GOOD, BAD)
    result = room.summary(found, guard())
    assert result["sentences"]["supported"]["value"] == pytest.approx(2 / 3)
    assert result["sentences"]["unsupported"]["n"] == 3
    assert result["answers_supported"]["value"] == 0.5
    assert found[0]["id"] == 7
    assert found[0]["verdicts"][0]["passage_id"] == "zips"
    assert found[0]["relevance"] is not None
    assert found[1]["relevance"] is None
    (table,) = room.tables(result)
    assert [row[0] for row in table[-2:]] == ["refusals", "answer relevance (mean probability)"]


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

    def fails(*_: object, **__: object) -> None:
        raise GuardError("no scores")

    monkeypatch.setattr(checker, "review", fails)
    (found,) = room.rows(read("f.jsonl", json.dumps(GOOD)), checker)
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


def test_a_refusal_is_counted_as_such_and_as_no_statement() -> None:
    part = {**GOOD, "answer": "I don't know about gloves. Zips are mended while you wait."}
    found = scored({**GOOD, "answer": "I don't know."}, part, GOOD)
    result = room.summary(found, guard())
    assert [row["refused"] for row in found] == [True, False, False]
    assert [row["status"] for row in found] == ["refusal", "supported", "supported"]
    assert result["refused"]["value"] == pytest.approx(1 / 3)
    assert result["sentences"]["supported"] == {**result["sentences"]["supported"], "n": 2}
    assert result["answers_supported"]["n"] == 2
    assert found[0]["relevance"] is None
    assert 0 < found[2]["relevance"] < 1


def test_citations_are_taken_out_and_judged() -> None:
    right = {**GOOD, "answer": "Zips are mended while you wait. [2] Soap is never refunded.[1][2]"}
    wrong = {**GOOD, "answer": "Zips are mended while you wait [1]. Soap is never refunded [9]."}
    found = scored(right, wrong, {**BAD, "citations": ["zips"]}, GOOD)
    assert [row["status"] for row in found] == [
        "supported",
        "supported",
        "unsupported",
        "supported",
    ]
    assert [c["precise"] for c in found[0]["citations"]] == [[True], [True, False]]
    assert [c["unknown"] for c in found[1]["citations"]] == [[], ["9"]]
    assert [c["recalled"] for c in found[1]["citations"]] == [False, False]
    assert [c["cited"] for c in found[2]["citations"]] == [["zips"], ["zips"]]
    assert found[3]["citations"] is None
    result = room.summary(found, guard())
    assert result["citation_precision"]["value"] == pytest.approx(3 / 7)
    assert result["citation_recall"]["value"] == pytest.approx(3 / 6)
    assert "citation recall" in str(room.tables(result))


def test_sentences_of_a_conversation_are_resampled_together() -> None:
    rows = [GOOD] * 5 + [BAD] * 5
    alone = room.summary(scored(*rows), guard())["sentences"]["supported"]
    joined = [{**row, "conversation": i // 5} for i, row in enumerate(rows)]
    together = room.summary(scored(*joined), guard())["sentences"]["supported"]
    assert together["value"] == alone["value"]
    assert together["high"] - together["low"] > alone["high"] - alone["low"]


def test_very_long_answers_are_scored_to_the_limit_and_unchecked_beyond() -> None:
    (found,) = scored({**GOOD, "answer": "Zips are mended while you wait. " * 1700})
    assert len(found["verdicts"]) == 1700
    assert found["status"] == "unchecked"
    assert found["verdicts"][0]["status"] == "supported"


def test_a_patient_guard_decides_alike() -> None:
    quick = guard()
    slow = room.patient(quick)
    assert slow.config.reply_seconds == room.SECONDS
    assert slow.version == quick.version
