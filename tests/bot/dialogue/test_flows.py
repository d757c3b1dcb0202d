from pathlib import Path

import pytest

from bot.dialogue.check import check
from bot.dialogue.errors import FlowError
from bot.dialogue.flows import Flows, fill, load_flows
from bot.dialogue.triggers import Triggers
from models.errors import ConfigError
from tests.bot.dialogue.shop import FLOWS
from tests.fakes import FakeEmbedder

SHARED = """
[[slots]]
name = "number"
type = "number"
ask = "Which number?"

[[actions]]
name = "look"
http = "GET /look/{number}"
result = { type = "object", properties = { found = { type = "string" } } }

[[actions]]
name = "write"
http = "POST /write"
outcomes = { 409 = "late" }
"""
GOOD = """
flow = "one"
title = "One thing"
examples = ["do one thing"]

[[steps]]
collect = "number"

[[steps]]
action = "look"

[[steps]]
confirm = "Write {found}?"

[[steps]]
action = "write"
on = { late = "sorry" }

[[steps]]
say = "Wrote {found}."
go = "end"

[[steps]]
id = "sorry"
say = "It is too late."
"""


def written(tmp_path: Path, text: str, shared: str = SHARED) -> Flows:
    (tmp_path / "one.toml").write_text(text)
    (tmp_path / "shared.toml").write_text(shared)
    return load_flows(tmp_path)


def changed(tmp_path: Path, old: str, new: str) -> Flows:
    assert old in GOOD + SHARED
    return written(tmp_path, GOOD.replace(old, new, 1), SHARED.replace(old, new, 1))


def problems(tmp_path: Path, old: str = "", new: str = "") -> list[str]:
    return [problem.text for problem in check(changed(tmp_path, old, new))]


def test_steps_without_an_id_are_named_by_what_they_do(tmp_path: Path) -> None:
    flow = written(tmp_path, GOOD).flows["one"]
    assert getattr(flow.steps[3], "on", None) == {"late": "sorry"}
    assert [step.id for step in flow.steps] == [
        "collect_1", "action_2", "confirm_3", "action_4", "say_5", "sorry",
    ]  # fmt: skip


def test_a_text_of_several_lines_is_a_list(tmp_path: Path) -> None:
    lines = GOOD.replace('["do one thing"]', '"""\n  do one thing\n\ndo the one thing\n"""')
    lines = lines.replace('"Wrote {found}."', '"""\nDone.\nWrote {found}.\n"""')
    flow = written(tmp_path, lines).flows["one"]
    assert flow.examples == ("do one thing", "do the one thing")
    assert getattr(flow.steps[4], "say", None) == ("Done.", "Wrote {found}.")


def test_a_flows_own_slots_are_its_own_and_its_actions_everybodys(tmp_path: Path) -> None:
    own = GOOD + SHARED.replace('"look"', '"look_up"').replace("Which number?", "Which of them?")
    flows = written(tmp_path, own.replace('"write"\nhttp', '"write_up"\nhttp'))
    assert flows.slot("one", "number").ask == "Which of them?"
    assert flows.slots["number"].ask == "Which number?"
    assert sorted(flows.actions) == ["look", "look_up", "write", "write_up"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "tittle =", r"one.toml: .*key 'tittle': unknown key; did you mean 'title'"),
        ('flow = "one"', "", r"one.toml: key 'flow': Field required"),
        ('flow = "one"', 'flow = "one thing"', r"key 'flow': String should match"),
        ("ask =", "aks =",
         r"shared.toml: \[\[slots\]\] 'number', key 'aks': unknown key; did you mean 'ask'"),
        ('http = "POST', 'htp = "POST',
         r"\[\[actions\]\] 'write', key 'htp': unknown key; did you mean 'http'"),
        ("collect =", "colect =",
         r"\[\[steps\]\] number 1: .*exactly one of .* did you mean 'collect'"),
        ('say = "Wrote', 'collect = "number"\nsay = "Wrote', "number 5: .*exactly one of"),
        ("on = {", "onn = {",
         r"\[\[steps\]\] number 4, key 'onn': unknown key; did you mean 'on'"),
        ('"sorry" }', '"sory" }',
         r"one.toml: \[\[steps\]\] number 4, key 'on.late': unknown step 'sory'; did you mean"),
        ('go = "end"', 'go = "ende"', "key 'go': unknown step 'ende'; did you mean 'end'"),
        ('collect = "number"', 'collect = "numbr"',
         "key 'collect': unknown slot 'numbr'; did you mean 'number'"),
        ('action = "look"', 'action = "lok"', "unknown action 'lok'; did you mean 'look'"),
        ('say = "Wrote', 'id = "sorry"\nsay = "Wrote', "key 'id': expected one of its own"),
        ('type = "number"', 'type = "numeral"', "'number', key 'type': .* got 'numeral'"),
        ('["do one thing"]', "[]", "key 'examples': .*at least 1"),
        ('http = "POST /write"', "timeout_s = 3", "'write': .*needs either http or python"),
        ("[[steps]]", "[[steps]", "one.toml is not valid TOML: .*line"),
        ('type = "number"', 'type = "pattern"\npattern = "("', "no regular expression"),
        ('name = "number"\n', "", r"\[\[slots\]\]: number 1 needs a `name`"),
        ('name = "write"', 'name = "look"', r"\[\[actions\]\]: 'look' is there twice"),
        ("[[slots]]", "[slots]", r"\[\[slots\]\]: expected tables in double brackets"),
        ('collect = "number"', 'branch = [{ when = "number.x", go = "end" }]',
         r"number 1, key 'branch.1.when': .*uses Attribute"),
        ('collect = "number"', 'branch = [{ wen = "number", go = "end" }]',
         r"key 'branch.1.wen': unknown key; did you mean 'when'"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_what_is_right(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(FlowError, match=message):
        changed(tmp_path, old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD, r"two.toml: key 'flow': 'one' is in another file too"),
        (SHARED, r"two.toml: \[\[actions\]\] 'look' is in another file too"),
    ],
)
def test_names_are_there_once(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "two.toml").write_text(text)
    with pytest.raises(FlowError, match=message.replace("two.toml", "(?:two|shared).toml")):
        written(tmp_path, GOOD)


def test_a_missing_file_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the flows"):
        load_flows(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"no flows in .*: expected files named \*.toml"):
        load_flows(tmp_path)


def test_a_good_file_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('[[steps]]\nid = "sorry"', '[[steps]]\nsay = "No."\n\n[[steps]]\nid = "sorry"',
         "no step leads here"),
        ('ask = "Which number?"', "", "it has no prompt"),
        ("[[slots]]", '[[slots]]\nname = "other"\nask = "What"\n\n[[slots]]',
         "'other' is never asked for"),
        ("[[steps]]", '[[slots]]\nname = "number"\nask = "What"\nkeep = true\n\n[[steps]]',
         "`keep` it in a file without a flow"),
        ('type = "number"', 'type = "choice"', "needs `choices`"),
        ('type = "number"', 'type = "pattern"', "needs a `pattern`"),
        ('on = { late = "sorry" }', "", "the outcome 'late' leads nowhere"),
        ('late = "sorry" }', 'late = "sorry", lost = "end" }', "no outcome 'lost'"),
        ("Wrote {found}", "Wrote {fund}", "'fund' is neither a slot"),
        ('confirm = "Write {found}?"', 'say = "Writing."', "nobody said yes"),
        ('say = "It is too late."', 'say = "Again."\ngo = "sorry"', "goes round in circles"),
        ("found = {", "number = {", "'number' names two things"),
        ('["do one thing"]', '["do", "do"]\ncounter_examples = ["Do"]',
         "its own counter-example"),
        ("[[actions]]", '[[actions]]\nname = "rite"\nhttp = "GET /"\n\n[[actions]]',
         "'rite' is never used"),
        ('http = "POST /write"', 'python = "nowhere.at_all"', "no callable"),
    ],
)  # fmt: skip
def test_check_finds(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert any(expected in text for text in problems(tmp_path, old, new))


def test_check_finds_flows_that_begin_alike(tmp_path: Path) -> None:
    second = GOOD.replace('flow = "one"', 'flow = "two"').replace("One", "Two")
    (tmp_path / "two.toml").write_text(second)
    assert any("also begins 'one'" in p.text for p in check(written(tmp_path, GOOD)))
    (tmp_path / "two.toml").write_text(second.replace("do one thing", "do  one thing!"))
    flows = written(tmp_path, GOOD)
    (same,) = [p for p in check(flows, Triggers(flows, FakeEmbedder())) if "cosine" in p.text]
    assert "means the same as one of 'two'" in same.text


@pytest.mark.parametrize("folder", [FLOWS, FLOWS / "abcd"])
def test_the_sample_flows_have_no_problems(folder: Path) -> None:
    assert check(load_flows(folder)) == []


def test_a_template_needs_all_its_names() -> None:
    assert fill("{a} and {b}", {"a": "{b}", "b": "2"}) == "{b} and 2"
    with pytest.raises(KeyError):
        fill("{a}", {})
