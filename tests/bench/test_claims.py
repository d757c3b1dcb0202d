"""The claims bench reads its passages from the help centre."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.claims import main, rows

SHOP = Path("examples/claims/shop.jsonl")
HELP = Path("examples/helpcentre")


def test_every_claim_gets_its_passage(tmp_path: Path) -> None:
    main([str(SHOP), "--source", str(HELP), "--out", str(tmp_path / "rows.jsonl")])
    made = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    kinds = Counter(row["source"] for row in made)
    assert kinds["paraphrase"] == 360
    assert len(made) == 960
    assert len(kinds) == 13
    assert all(row["evidence"] and row["claim"] for row in made)
    assert all(row["supported"] == (row["source"] == "paraphrase") for row in made)


def test_a_passage_that_is_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Other\n\nNothing of it.\n")
    with pytest.raises(SystemExit, match="no passage"):
        next(rows(SHOP, [tmp_path]))
