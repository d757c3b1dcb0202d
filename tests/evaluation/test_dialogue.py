import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from bot.types import Form, FormField, Handoff, Reply, State, Suggestion, Turn
from evaluation import compare, dialogue, questions
from evaluation.cli import app
from tests.evaluation.fakes import guard, reply

QUOTE = "You can return most items within 45 days of delivery."
ROOT = Path(__file__).parents[2]
ANSWER = {
    "id": "a", "kind": "ellipsis", "turns": ["How long?", "and in May?"],
    "expected": {"articles": ["returns"], "facts": [["45 days"]]},
}  # fmt: skip
PERSON = {"id": "p", "kind": "person", "turns": ["a human!"], "expected": {"action": "handoff"}}
TRACK = {
    "id": "t", "kind": "slot", "turns": ["Order AB-1", "Where is it?"],
    "expected": {"action": "flow", "facts": [["on its way"]]},
    "known": {"order_number": "AB-1", "city": "Paris"},
}  # fmt: skip


def write(folder: Path, *rows: object) -> Path:
    path = folder / "c.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def held(folder: Path, row: object, *replies: Reply) -> dialogue.Row:
    """A conversation in which the bot gives these replies, whatever the customer writes."""
    waiting = list(replies)

    def step(state: State, message: str, parts: object) -> tuple[State, Reply]:
        return replace(state, turns=(*state.turns, Turn(role="user", text=message))), waiting.pop(0)

    (found,) = dialogue.rows(dialogue.load(write(folder, row)), {}, step)
    assert not waiting
    return found


def other(text: str, action: str = "flow", **more: object) -> Reply:
    return Reply(
        reply_id="r", conversation_id="c", text=text, action=action, cause=None, **more
    )  # fmt: skip


ASKS = Form(fields=(FormField(name="order_number", label="order number", type="text"),))
PAST = other("Hello.")


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (reply(QUOTE), "right"),
        (reply(QUOTE, article="repairs"), "beside"),
        (reply("It is 60 days."), "wrong"),
        (reply(QUOTE, action="abstain"), "declined"),
        (other("Which one?", "clarify"), "declined"),
    ],
)
def test_the_last_answer_is_judged_as_answers_are(tmp_path, last: Reply, outcome: str) -> None:
    row = held(tmp_path, ANSWER, other("45 days", "answer"), last)
    assert row["outcome"] == outcome


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (other("A person comes.", "handoff", handoff=Handoff(reason="", summary="")), "right"),
        (other("", "handoff"), "wrong"),  # of before: the bot is silent
        (other("I'm a bot.", "answer"), "wrong"),
    ],
)
def test_an_expected_action_must_come_now(tmp_path, last: Reply, outcome: str) -> None:
    assert held(tmp_path, PERSON, last)["outcome"] == outcome


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (other("It is on its way."), "right"),
        (other("It is on its way. Have you got it?", "clarify"), "right"),
        (other("Which order?"), "wrong"),
        (reply("It is on its way."), "wrong"),
    ],
)
def test_a_flow_must_say_its_facts(tmp_path, last: Reply, outcome: str) -> None:
    assert held(tmp_path, TRACK, PAST, last)["outcome"] == outcome


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (other("Which order?", form=ASKS), ["order_number"]),
        (other("Tell me your order number, please?"), ["order_number"]),
        (other("Shall I cancel order number AB-1?"), []),
        (other("Your order number is known."), []),
        (other("Which city?"), []),  # never said
        (other("Which?", "clarify", suggestions=(Suggestion(text="AB-1"), Suggestion(text="AB-2"))),
         ["order_number"]),
        (other("Fine.", "answer", suggestions=(Suggestion(text="AB-1"), Suggestion(text="AB-2"))),
         []),
    ],
)  # fmt: skip
def test_what_was_said_must_not_be_asked_again(tmp_path, asked: Reply, names: list) -> None:
    assert held(tmp_path, TRACK, PAST, asked)["asked_again"] == names
    assert held(tmp_path, TRACK, asked, PAST)["asked_again"] == names


def test_a_question_in_a_quote_is_not_the_bots(tmp_path) -> None:
    assert held(tmp_path, TRACK, PAST, reply("What is my order number?"))["asked_again"] == []


def test_asking_before_it_was_said_is_fine(tmp_path) -> None:
    late = {**TRACK, "turns": ["Where is it?", "AB-1"]}
    assert held(tmp_path, late, other("Which order?", form=ASKS), PAST)["asked_again"] == []


def test_figures_by_kind_and_milliseconds(tmp_path) -> None:
    times = {"understand_ms": 2.0, "dialogue_ms": 5.0, "total_ms": 90.0}
    good = held(tmp_path, ANSWER, reply(QUOTE), replace(reply(QUOTE), timings=times))
    bad = held(tmp_path, TRACK, PAST, other("Which order?", form=ASKS))
    found = dialogue.summary([good, bad])
    assert found["metrics"]["right"]["value"] == 0.5
    assert found["metrics"]["asked_again"]["n"] == 1
    assert found["kinds"]["slot"]["right"]["value"] == 0.0
    assert found["latency"]["dialogue_ms"] == {"p50": 5.0, "p95": 5.0, "n": 1}
    assert (found["not_right"], found["asked_again"]) == (["t"], ["t"])
    kinds, turns = dialogue.tables(found)
    assert [row[0] for row in kinds] == ["kind", "ellipsis", "slot", "all"]
    assert turns[1][:3] == ["understand_ms", "2.0", "2.0"]


def test_two_runs_can_be_compared(tmp_path) -> None:
    good, bad = (
        held(tmp_path, TRACK, PAST, other("It is on its way.")),
        held(tmp_path, TRACK, PAST, other("Which order?", form=ASKS)),
    )
    found = {
        metric.name: (metric.part(good), metric.part(bad)) for metric in compare.metrics([good])
    }
    assert found["right"] == ((1.0, 1.0), (0.0, 1.0))
    assert found["asked_again"] == ((0.0, 1.0), (1.0, 1.0))
    assert compare.metrics([good])[2].part(held(tmp_path, PERSON, PAST)) is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**ANSWER, "turns": []}, "turns must be"),
        ({**ANSWER, "turns": ["a", ""]}, "turns must be"),
        ({**ANSWER, "known": {"a": 3}}, "known must be"),
        ({**ANSWER, "expected": "x"}, "expected must be"),
        ({**ANSWER, "expected": {}}, "needs facts or articles"),
        ({**ANSWER, "expected": {"action": "sing"}}, "action must be one of"),
        ({**ANSWER, "part": "train"}, "part must be one of"),
        ({**ANSWER, "expected": {"facts": "x"}}, "facts must be"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path, row: object, said: str) -> None:
    with pytest.raises(questions.InputError, match=rf"c\.jsonl:2: .*{said}"):
        dialogue.load(write(tmp_path, PERSON, row))


def test_parts_and_ids(tmp_path) -> None:
    path = write(tmp_path, {**ANSWER, "part": "test"}, PERSON)
    assert [item.id for item in dialogue.load(path, "test")] == ["a"]
    assert len(dialogue.load(path, limit=1)) == 1
    with pytest.raises(questions.InputError, match="no conversation of part"):
        dialogue.load(write(tmp_path, PERSON), "test")
    with pytest.raises(questions.InputError, match="taken by an earlier row"):
        dialogue.load(write(tmp_path, PERSON, PERSON))


def test_the_conversations_of_the_examples() -> None:
    every = [
        item
        for path in sorted((ROOT / "examples/conversations").glob("*.jsonl"))
        for item in dialogue.load(path)
    ]
    kinds = {item.kind for item in every}
    assert len(every) == 120
    assert len(kinds) == 8
    for kind in kinds:
        parts = [item.part for item in every if item.kind == kind]
        assert sorted((parts.count("dev"), parts.count("test"))) == [7, 8]
    assert all(2 <= len(item.turns) <= 6 for item in every)


def test_the_command(tmp_path, monkeypatch) -> None:
    said = {"p": other("A person comes.", "handoff", handoff=Handoff(reason="", summary=""))}

    def load(config: object, index: object, flows: object) -> dict:
        named = SimpleNamespace(version="1", flows=str(flows))
        return {"retriever": named, "guard": guard(), "dialogue": named}

    def step(state: State, message: str, parts: object) -> tuple[State, Reply]:
        return state, said.pop(state.conversation_id.removeprefix("eval-"))

    monkeypatch.setattr("bot.dialogue.parts.load_dialogue", load)
    monkeypatch.setattr("bot.dialogue.step.step", step)
    path = write(tmp_path, PERSON, {**ANSWER, "part": "test"})
    call = ["dialogue", "--conversations", str(path), "--part", "dev", "--json"]
    call += ["--flows", "f", "--cache", str(tmp_path / "cache.jsonl")]
    first = CliRunner().invoke(app, call)
    again = CliRunner().invoke(app, call)  # from the cache: nothing is left to be said
    assert first.exit_code == again.exit_code == 0, first.output + again.output
    assert json.loads(again.stdout)["metrics"]["right"]["value"] == 1.0
    assert CliRunner().invoke(app, [*call[:3], "--part", "train"]).exit_code == 2
