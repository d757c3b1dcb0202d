import json
from pathlib import Path

import pytest

from evaluation import guard as room
from evaluation.questions import InputError
from tests.evaluation.fakes import guard

EVIDENCE = "Most items can be returned within 45 days of delivery. Soap is never refunded."


def write(folder: Path, *rows: object, name: str = "dev.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def row(claim: str, supported: object, evidence: object = EVIDENCE) -> dict:
    return {"evidence": evidence, "claim": claim, "supported": supported, "source": "s"}


ROWS = (
    row("Soap is never refunded.", True),
    row("Items can be returned after delivery.", True),
    row("Items can be returned within 60 days of delivery.", False),
    row("Gloves wash well.", 0),
)


def judged(folder: Path, *rows: object, broken: bool = False) -> list[room.Row]:
    return list(room.rows(room.load(write(folder, *rows)), guard(broken=broken)))


def test_quotes_vetoes_and_the_verifier_are_combined(tmp_path: Path) -> None:
    quote, verified, vetoed, unlike = judged(tmp_path, *ROWS)
    assert (quote["status"], quote["cascade"]) == ("supported", 1.0)
    assert quote["verifier"] < 1.0
    assert verified["cascade"] == verified["verifier"] > 0.5
    assert vetoed["status"] != "supported"
    assert vetoed["cascade"] == pytest.approx(0.5 * vetoed["verifier"])
    assert unlike["overlap"] == 0.0
    assert "evidence" not in quote


def test_a_file_is_summed_up(tmp_path: Path) -> None:
    result = room.summary(judged(tmp_path, *ROWS), guard())
    assert result["auc"]["cascade"]["value"] == 1.0
    assert result["catch_rate"]["value"] == 1.0
    assert result["false_alarms"]["value"] == 0.0
    assert result["verifier_catch_rate"]["value"] == 0.5
    assert (result["n"], result["supported"], result["unchecked"]) == (4, 2, 0)
    (table,) = room.tables({"files": {"dev.jsonl": result}})
    assert table[1][0] == "dev.jsonl"


def test_the_worst_sentence_counts(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, row("Soap is never refunded. Gloves wash well.", False))
    assert len(found["verdicts"]) == 2
    assert found["status"] == "unsupported"
    assert found["cascade"] < 0.1


def test_what_cannot_be_checked_is_never_accepted(tmp_path: Path) -> None:
    empty, failed = (
        judged(tmp_path, row("Soap is sold.", True, ""))[0],
        judged(tmp_path, row("Soap is sold.", True), broken=True)[0],
    )
    for found in (empty, failed):
        assert (found["status"], found["cascade"], found["verifier"]) == ("unchecked", 0.0, 0.0)
    assert room.summary([empty], guard())["unchecked"] == 1


def test_long_evidence_is_cut_and_lists_are_kept() -> None:
    long = " ".join(f"word{i}" for i in range(400))
    found = room.passages([long, "short"])
    assert len(found) > 3
    assert len({passage.id for passage in found}) == len(found)
    assert found[-1].text == "short"


def test_a_text_that_states_nothing_is_one_claim() -> None:
    assert [claim.text for claim in room.sentences("Thank you!")] == ["Thank you!"]


@pytest.mark.parametrize(
    "bad", [row("", True), row("x", "yes"), row("x", True, 5), row("x", True, [5]), row("x", None)]
)
def test_a_bad_row_is_named(tmp_path: Path, bad: object) -> None:
    with pytest.raises(InputError, match=r"dev\.jsonl:2"):
        room.load(write(tmp_path, ROWS[0], bad))
