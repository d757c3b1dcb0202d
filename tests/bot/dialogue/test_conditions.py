import pytest

from bot.dialogue.conditions import holds, names, parse

KNOWN = {
    "status": "Packing",
    "total": "59.90",
    "ok": True,
    "days": 3,
    "gift": "no",
    "due": "2026-11-25",
}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ('status == "packing"', True),
        ('status in ["Packing", "Dispatched"]', True),
        ('status not in ["Packing"]', False),
        ("total > 50", True),
        ("total > 50 and not ok", False),
        ("1 < days <= 3", True),
        ("days == -3", False),
        ("days > -1", True),
        ("gift", False),
        ("gift == no", True),
        ("ok == true", True),
        ('due < "2026-12-01"', True),
        ("unknown", False),
        ("unknown == 5", False),
        ("unknown != 5", True),
        ("unknown > 5", False),
        ("not unknown or status", True),
    ],
)
def test_a_condition_holds_or_not(text: str, true: bool) -> None:
    assert holds(text, KNOWN) is true


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "status.upper()", "[x for x in total]", "total + 1", "lambda: 1",
        "status := 1", "f'{status}'", "total[0]", "a b", "", "x" * 400, "(" * 200,
    ],
)  # fmt: skip
def test_anything_else_is_no_condition(text: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        parse(text)


def test_names_are_what_a_condition_goes_by() -> None:
    assert names('status in ["a"] and total > 5 or gift == yes') == {"status", "total", "gift"}
