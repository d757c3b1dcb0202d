import json

import pytest

from evaluation import inputs
from evaluation.questions import InputError
from tests.evaluation.reading import read

OURS = {"question": "Zips?", "answer": "While you wait.", "passages": ["Zips: while you wait."]}
RAGAS = {"user_input": "Zips?", "response": "While you wait.",
         "retrieved_contexts": ["Zips: while you wait."], "reference": "x"}  # fmt: skip
OLD_RAGAS = {"question": "Zips?", "answer": "While you wait.",
             "contexts": ["Zips: while you wait."], "ground_truth": "x"}  # fmt: skip
DEEPEVAL = {"input": "Zips?", "actual_output": "While you wait.",
            "retrieval_context": ["Zips: while you wait."], "expected_output": "x"}  # fmt: skip


def only(lines: list[inputs.Line], **columns: str) -> inputs.Answer:
    (line,) = lines
    assert line.row is not None, line.error
    return inputs.answer(line.row, f"f:{line.number}", columns)


@pytest.mark.parametrize("row", [OURS, RAGAS, OLD_RAGAS, DEEPEVAL])
def test_rows_of_others_are_read_as_they_are(row: dict) -> None:
    found = only(read("f.jsonl", json.dumps(row)))
    assert (found.question, found.text) == ("Zips?", "While you wait.")
    assert found.passages == (("1", "Zips: while you wait."),)
    assert found.citations is None


def test_hugging_face_forms() -> None:
    columns = {name: [cell, cell] for name, cell in OURS.items()}
    viewer = {"features": [], "rows": [{"row_idx": 0, "row": OURS}]}
    assert [line.row for line in read("f.json", json.dumps(columns))] == [OURS, OURS]
    assert [line.row for line in read("f.json", json.dumps(viewer))] == [OURS]
    assert [line.row for line in read("f.json", json.dumps([OURS, OURS]))] == [OURS, OURS]
    assert [line.row for line in read("f.json", json.dumps(OURS))] == [OURS]


def test_columns_are_mapped_by_flags() -> None:
    row = {"q": "Zips?", "reply": "Yes.", "docs": [{"id": "z", "text": "Zips."}], "answer": "no"}
    mapped = inputs.columns(["question=q", "answer=reply", "passages=docs"])
    found = inputs.answer(row, "f:1", mapped)
    assert (found.text, found.question, found.passages) == ("Yes.", "Zips?", (("z", "Zips."),))
    for wrong in ("answers=reply", "answer", "answer="):
        with pytest.raises(InputError, match="--column takes"):
            inputs.columns([wrong])


def test_a_csv_holds_lists_as_json() -> None:
    text = 'question,answer,passages\nZips?,"While\nyou wait.","[""Zips: while you wait.""]"\n'
    found = only(read("f.csv", text))
    assert found.text == "While\nyou wait."
    assert found.passages == (("1", "Zips: while you wait."),)
    assert only(read("f.tsv", text.replace(",", "\t"))).question == "Zips?"


def test_missing_columns_name_those_there_are() -> None:
    with pytest.raises(InputError, match=r"f:3: answer .* only the columns text: name yours"):
        inputs.answer({"text": "x"}, "f:3", {})
    with pytest.raises(InputError, match=r"passages must be a list"):
        inputs.answer({"answer": "x", "passages": "none"}, "f:3", {})


def test_a_file_cut_off_keeps_what_was_whole() -> None:
    line = json.dumps(OURS)
    whole, cut = read("f.jsonl", f"{line}\n{line[:40]}")
    assert whole.row == OURS
    assert (cut.number, cut.row) == (2, None)
    assert "not valid JSON" in cut.error
    whole, cut = read("f.json", f"[{line}, {line[:40]}")
    assert (whole.row, cut.row) == (OURS, None)
    assert "ends or breaks" in cut.error
    whole, cut = read("f.csv", 'question,answer\nZips?,Yes.\nSoap?,"Nev')
    assert whole.row == {"question": "Zips?", "answer": "Yes."}
    assert "not valid CSV" in cut.error


def test_a_row_of_another_encoding_fails_alone() -> None:
    good = json.dumps(OURS).encode()
    bad = '{"answer": "Café"}'.encode("latin-1")
    first, second, third = read("f.jsonl", good + b"\n" + bad + b"\n" + good)
    assert first.row == third.row == OURS
    assert second.row is None
    assert "not UTF-8" in second.error
    assert read("f.jsonl", json.dumps(OURS).encode("utf-16"))[0].row == OURS


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("f.jsonl", "[1]\n", ""),
        ("f.jsonl", "7\n", "expected a JSON object, got int"),
        ("f.csv", "question,answer\nZips?\n", "expected 2 cells"),
        ("f.csv", "question,answer\nZips?,a,b\n", "expected 2 cells"),
    ],
)
def test_rows_that_are_none(name: str, content: str, error: str) -> None:
    (line,) = read(name, content)
    assert line.row is None
    assert error in line.error


def test_files_that_are_none(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        inputs.load(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="empty"):
        read("f.csv", "\n")
    with pytest.raises(InputError, match="one length"):
        read("f.json", '{"answer": ["a"], "question": []}')
