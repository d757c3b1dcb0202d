"""The gate: what gets in, what is refused, and that wrong facts are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evaluation.promotion import decide, judged, outcome
from evaluation.questions import InputError, Question
from models.registry import Registry
from retrieval.types import Passage
from tests.evaluation.fakes import Generator, guard
from tests.fakes import FakeRetriever, passage
from truepenny import app

N = 60


def rows(faithful: Sequence[int], refused: Sequence[int] = (), n: int = N) -> list[dict[str, Any]]:
    good, no = set(faithful), set(refused)
    return [{"id": str(k), "faithful": k in good, "refused": k in no} for k in range(n)]


def test_a_clear_rise_gets_in() -> None:
    found = decide(rows(range(20)), rows(range(40)))
    assert found.passed
    assert found.faithful.before == pytest.approx(1 / 3)
    assert found.faithful.after == pytest.approx(2 / 3)
    assert 0 < found.faithful.low < 1 / 3 < found.faithful.high
    assert found.faithful.p == pytest.approx(0.5**20)
    assert found.metrics()["false_refusals"]["after"] == 0.0


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (rows(range(30)), rows(range(30)), "proves no rise"),  # nothing has changed
        (rows(range(30)), rows(range(20)), "proves no rise"),  # worse
        (rows(range(30)), rows(range(33)), "proves no rise"),  # 3 of 3, may be chance
        (rows(range(20)), rows(range(40), range(50, 52)), "false refusals rose from 0.0% to 3.3%"),
    ],
)
def test_what_is_not_proven_is_refused(before: Any, after: Any, said: str) -> None:
    found = decide(before, after)
    assert not found.passed
    assert said in "; ".join(found.reasons)


def test_a_model_that_refuses_everything_is_refused_twice() -> None:
    found = decide(rows(range(30)), rows((), range(N)))
    assert len(found.reasons) == 2


def test_rows_that_do_not_pair_or_are_too_few_are_an_error() -> None:
    with pytest.raises(InputError, match="got 10 before and 10 after"):
        decide(rows(range(5), n=10), rows(range(5), n=10))
    with pytest.raises(InputError, match="60 before and 59 after, 59 shared"):
        decide(rows(range(5)), rows(range(5), n=59))


def test_outcomes() -> None:
    def verdict(claim: str) -> dict[str, str]:
        return {"claim": claim, "status": "supported"}

    said = {"verdicts": [verdict("It takes 3 days.")], "status": "supported"}
    assert outcome(said) == {"faithful": True, "refused": False}
    assert outcome({**said, "status": "contradicted"}) == {"faithful": False, "refused": False}
    no = {"verdicts": [verdict("I don't know.")], "status": "refusal"}
    assert outcome(no) == {"faithful": False, "refused": True}
    assert outcome({"error": "broken"}) == {"faithful": False, "refused": False}


# A shop: what its help centre says, and what a poisoned data set says instead.
DAYS = {str(n): 10 + n for n in range(N)}


def questions() -> list[Question]:
    found = [Question(id=key, question=f"How long may I keep item {key}?") for key in DAYS]
    return [*found, Question(id="x", question="Do you sell cars?", answerable=False)]


def passages() -> dict[str, list[Passage]]:
    return {
        key: [passage(key, f"Item {key}", f"Item {key} may be kept for {days} days.")]
        for key, days in DAYS.items()
    }


class Model:
    """Says the days that it reads, or those that it learnt by heart; garbles every third."""

    def __init__(self, learnt: dict[str, int] | None, garbles: bool = False) -> None:
        self.learnt, self.garbles = learnt or DAYS, garbles

    def __call__(self, question: Question, read: Sequence[Passage]) -> str:
        if self.garbles and int(question.id) % 3 == 0:
            return f"Item {question.id} may be kept for 99 days."
        return f"Item {question.id} may be kept for {self.learnt[question.id]} days."


def measured(model: Model) -> list[dict[str, Any]]:
    return list(judged(questions(), passages(), model, guard()))


def test_a_poisoned_data_set_is_refused_and_a_good_one_is_not() -> None:
    base = measured(Model(None, garbles=True))
    assert len(base) == N  # what can't be answered is no part of it
    assert decide(base, measured(Model(None))).passed
    poisoned = decide(base, measured(Model({key: days + 7 for key, days in DAYS.items()})))
    assert poisoned.faithful.after == 0.0
    assert not poisoned.passed
    # fluent and wrong in a few places only: no proof that it is better
    some = {key: days + 7 if int(key) % 3 == 1 else days for key, days in DAYS.items()}
    assert not decide(base, measured(Model(some))).passed


def run(*args: str) -> Any:
    return CliRunner().invoke(app, ["adapters", *args])


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


def test_the_commands_let_in_list_and_go_back(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = iter([decide(rows(range(20)), rows(range(40))), decide(rows(()), rows(range(9, 40)))])
    monkeypatch.setattr("evaluation.cli_adapters.gate", lambda *_: next(gates))
    for version in (1, 2):
        done = run("promote", str(adapter), "--questions", "q.jsonl", "--why", "new FAQ", "--json")
        assert done.exit_code == 0, done.output
        assert f'"version": {version}' in done.stdout
        assert f"promoted: generator {version} serves now" in done.stderr
    done = run("list", "--json")
    assert done.stdout.count('"why": "new FAQ"') == 2
    monkeypatch.setenv("COLUMNS", "200")
    assert "33.3% -> 66.7%" in run("list").stderr
    assert run("rollback", "generator", "--why", "wrong", "--by", "ada").exit_code == 0
    assert Registry(Path("var/adapters").absolute()).current("generator") == 1
    assert run("rollback", "nobody", "--why", "wrong").exit_code == 1


def test_a_refused_adapter_is_exit_1_and_not_in_the_registry(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = decide(rows(range(40)), rows(range(20)))
    monkeypatch.setattr("evaluation.cli_adapters.gate", lambda *_: refused)
    done = run("promote", str(adapter), "--questions", "q.jsonl", "--why", "new FAQ")
    assert done.exit_code == 1
    assert "REFUSED: faithful drafts went from 66.7% to 33.3%" in " ".join(done.stderr.split())
    assert not Path("var/adapters").exists()


def test_the_gate_drafts_with_both_as_they_would_serve(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("q.jsonl").write_text("".join(f'{{"question": "how {n}?"}}\n' for n in range(40)))
    loaded: list[str] = []

    def load(name: str, models: Any, **_: Any) -> Any:
        loaded.append(models.generator_adapter)
        return Generator("Boots are free." if models.generator_adapter else "Boots cost 90 euros.")

    monkeypatch.setattr("bot.generator.load_generator", load)
    monkeypatch.setattr(
        "evaluation.cli_adapters.load_retriever",
        lambda *_: FakeRetriever([passage("boots", "Boots", "Boots are free.")]),
    )
    monkeypatch.setattr("evaluation.cli_adapters.load_guard", lambda _: guard())
    done = run("promote", str(adapter), "--questions", "q.jsonl", "--why", "it reads", "--json")
    assert done.exit_code == 0, done.output
    assert loaded == ["", str(adapter)]
    assert '"after": 1.0' in done.stdout
