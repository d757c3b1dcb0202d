from pathlib import Path

import pytest

from bot.dialogue.check import check
from bot.dialogue.errors import FlowError
from bot.dialogue.flows import Flows, fill, load_flows
from bot.dialogue.triggers import Triggers
from models.errors import ConfigError
from tests.bot.dialogue.shop import FLOWS
from tests.fakes import FakeEmbedder

GOOD = """
slots:
  number: {ask: 'Which number?', type: number}
actions:
  look: {http: 'GET /look/{number}', result: {type: object, properties: {found: {type: string}}}}
  write: {http: POST /write, outcomes: {409: late}}
flows:
  one:
    title: One thing
    examples: [do one thing]
    steps:
      - collect: number
      - action: look
      - confirm: Write {found}?
      - action: write
        on: {late: sorry}
      - say: Wrote {found}.
        go: end
      - id: sorry
        say: It is too late.
"""


def written(tmp_path: Path, text: str) -> Flows:
    (tmp_path / "flows.yaml").write_text(text)
    return load_flows(tmp_path)


def problems(tmp_path: Path, old: str = "", new: str = "") -> list[str]:
    assert old in GOOD
    return [problem.text for problem in check(written(tmp_path, GOOD.replace(old, new)))]


def test_yes_no_and_on_are_words(tmp_path: Path) -> None:
    flow = written(tmp_path, GOOD).flows["one"]
    assert getattr(flow.steps[3], "on", None) == {"late": "sorry"}
    assert [step.id for step in flow.steps] == [
        "collect_1", "action_2", "confirm_3", "action_4", "say_5", "sorry",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title:", "tittle:", r"flows.one.tittle: unknown key; did you mean 'title'"),
        ("ask:", "aks:", r"slots.number.aks: unknown key; did you mean 'ask'"),
        ("http: POST", "htp: POST", r"actions.write.htp: unknown key; did you mean 'http'"),
        ("collect: number", "colect: number", "exactly one of .* did you mean 'collect'"),
        ("- say: Wrote", "- collect: number\n        say: Wrote", "exactly one of"),
        ("on: {late", "onn: {late", "unknown key; did you mean 'on'"),
        ("late: sorry", "late: sory", "unknown step 'sory'; did you mean 'sorry'"),
        ("go: end", "go: ende", "unknown step 'ende'; did you mean 'end'"),
        ("collect: number", "collect: numbr", "unknown slot 'numbr'; did you mean 'number'"),
        ("action: look", "action: lok", "unknown action 'lok'; did you mean 'look'"),
        ("- say: Wrote", "- id: sorry\n        say: Wrote", "an id of its own"),
        ("type: number", "type: numeral", "numeral"),
        ("examples: [do one thing]", "examples: []", "at least 1"),
        ("http: POST /write", "timeout_s: 3", "needs either http or python"),
        ("flows:", "flows: [", "not valid YAML"),
        ("ask: 'Which number?'", "pattern: '('", "no regular expression"),
    ],
)
def test_a_wrong_file_says_what_is_right(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(FlowError, match=message):
        written(tmp_path, GOOD.replace(old, new, 1))


def test_a_condition_that_is_none_is_an_error(tmp_path: Path) -> None:
    branch = "- branch:\n          - {when: 'number.x', go: end}\n      - collect: number"
    with pytest.raises(FlowError, match="uses Attribute"):
        written(tmp_path, GOOD.replace("- collect: number", branch))


def test_names_are_there_once(tmp_path: Path) -> None:
    (tmp_path / "again.yaml").write_text(GOOD)
    with pytest.raises(FlowError, match="slot 'number' is there twice"):
        written(tmp_path, GOOD)


def test_a_missing_file_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the flows"):
        load_flows(tmp_path / "none.yaml")


def test_a_good_file_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("- id: sorry", "- say: Never.\n        go: end\n      - id: sorry", "no step leads here"),
        ("ask: 'Which number?', ", "", "it has no prompt"),
        ("type: number}", "type: number}\n  other: {ask: What}", "'other' is never asked for"),
        ("type: number", "type: choice", "needs `choices`"),
        ("type: number", "type: pattern", "needs a `pattern`"),
        ("on: {late: sorry}", "on: {}", "the outcome 'late' leads nowhere"),
        ("on: {late: sorry}", "on: {late: sorry, lost: end}", "no outcome 'lost'"),
        ("Wrote {found}", "Wrote {fund}", "'fund' is neither a slot"),
        ("confirm: Write {found}?", "say: Writing.", "nobody said yes"),
        ("say: It is too late.", "say: Again.\n        go: sorry", "goes round in circles"),
        ("found: {type", "number: {type", "'number' names two things"),
        ("examples: [do one thing]", "examples: [do, do]\n    counter_examples: [Do]",
         "its own counter-example"),
        ("  write: {http", "  rite: {http: GET /}\n  write: {http", "'rite' is never used"),
        ("  write: {http: POST /write,", "  write: {python: nowhere.at_all,", "no callable"),
    ],
)  # fmt: skip
def test_check_finds(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert any(expected in text for text in problems(tmp_path, old, new))


def test_check_finds_flows_that_begin_alike(tmp_path: Path) -> None:
    second = GOOD[GOOD.index("  one:") :].replace("  one:", "  two:").replace("One", "Two")
    flows = written(tmp_path, GOOD + second)
    assert any("also begins 'one'" in problem.text for problem in check(flows))
    apart = GOOD + second.replace("do one thing", "do  one thing!")
    flows = written(tmp_path, apart)
    (same,) = [p for p in check(flows, Triggers(flows, FakeEmbedder())) if "cosine" in p.text]
    assert "means the same as one of 'two'" in same.text


@pytest.mark.parametrize("folder", [FLOWS, FLOWS / "abcd"])
def test_the_sample_flows_have_no_problems(folder: Path) -> None:
    assert check(load_flows(folder)) == []


def test_a_template_needs_all_its_names() -> None:
    assert fill("{a} and {b}", {"a": "{b}", "b": "2"}) == "{b} and 2"
    with pytest.raises(KeyError):
        fill("{a}", {})
