import numpy as np
import pytest

from evaluation import compare as room
from evaluation.gate import Gate, Limit, failures, load
from evaluation.questions import InputError


def answers(right: "np.ndarray") -> list[room.Row]:
    return [
        {"id": str(n), "outcome": "right" if flag else "wrong", "answerable": True, "judged": True,
         "timings": {"total_ms": 100.0 + n % 7}}
        for n, flag in enumerate(right)
    ]  # fmt: skip


def gate(**metrics: Limit) -> Gate:
    return Gate(metrics=metrics or {"right_and_cited": Limit(), "wrong": Limit()})


def drift(rng, rows: int, share: float, flips: float, loss: float):
    """Two runs: `flips` of the rows change either way by chance, `loss` more are lost."""
    first = rng.random(rows) < share
    chance = rng.random(rows)
    second = np.where(chance < flips / (2 * share), False, first)
    second = np.where(~first & (chance < flips / (2 * (1 - share))), True, second)
    lost = second & (rng.random(rows) < loss / share)
    return answers(first), answers(second & ~lost)


def alarms(loss: float, runs: int) -> float:
    rng = np.random.default_rng(3)
    found = [
        bool(failures(gate(), room.changes(*drift(rng, 500, 0.8, 0.06, loss)))) for _ in range(runs)
    ]
    return float(np.mean(found))


def test_equal_systems_raise_an_alarm_at_most_five_times_in_a_hundred() -> None:
    assert alarms(0.0, 200) <= 0.05


def test_five_points_lost_are_found_nine_times_in_ten() -> None:
    assert alarms(0.05, 60) >= 0.9


def test_a_run_against_itself_is_silent() -> None:
    rows = answers(np.arange(50) % 3 > 0)
    found = room.changes(rows, rows)
    assert [c.metric for c in found] == [
        "right_and_cited", "wrong", "declined_answerable", "total_ms",
    ]  # fmt: skip
    assert all(c.difference == c.low == c.high == 0 and c.p == 1 for c in found)
    assert failures(gate(), found) == []


def test_a_loss_is_said_in_a_sentence() -> None:
    first, second = answers(np.ones(100)), answers(np.arange(100) >= 20)
    (sentence, *_) = failures(gate(right_and_cited=Limit()), room.changes(first, second))
    assert "right_and_cited got worse: 100.0 % before, 80.0 % now, 20.0 % lower" in sentence
    allowed = {"right_and_cited": 0.4}
    assert failures(gate(right_and_cited=Limit(worse_by=0.4)),
                    room.changes(first, second, allowed)) == []  # fmt: skip


def test_few_differences_prove_nothing() -> None:
    first, second = answers(np.ones(100)), answers(np.arange(100) >= 3)
    (found, *_) = room.changes(first, second)
    assert found.p == pytest.approx(0.125)  # three of three, by McNemar


def test_bounds_hold_by_themselves() -> None:
    rows = answers(np.arange(10) >= 5)
    limits = gate(right_and_cited=Limit(least=0.6), total_ms=Limit(most=50))
    low, slow = failures(limits, room.changes(rows, rows))
    assert "right_and_cited is 0.5, under the least of 0.6" in low
    assert "over the most of 50" in slow


def faithful(n: int, statuses: str, **more: object) -> room.Row:
    names = {"s": "supported", "u": "unsupported", "c": "contradicted", "r": "refusal"}
    return {
        "line": n, "verdicts": [{"status": names[s]} for s in statuses], "relevance": 0.5,
        "refused": False, "status": "supported" if set(statuses) <= {"s"} else "unsupported",
        **more,
    }  # fmt: skip


def test_sentences_are_compared_as_a_share_of_all() -> None:
    first = [faithful(1, "sss"), faithful(2, "us"), {"line": 3, "error": "no"}]
    second = [faithful(1, "s"), faithful(2, "ucrc"), faithful(3, "s")]
    found = {c.metric: c for c in room.changes(first, second)}
    assert found["supported_sentences"].first == pytest.approx(4 / 5)
    assert found["supported_sentences"].second == pytest.approx(1 / 4)
    assert found["contradicted_sentences"].second == pytest.approx(2 / 4)
    assert (found["failed"].first, found["failed"].second) == (pytest.approx(1 / 3), 0)
    assert found["supported_sentences"].n == 2


def test_rows_of_the_guard() -> None:
    rows = [
        {"file": "f", "line": n, "cascade": 0.5, "status": status, "supported": label,
         "evidence_hash": "x"}
        for n, (status, label) in enumerate(
            [("supported", True), ("unsupported", True), ("unsupported", False)]
        )
    ]  # fmt: skip
    found = {c.metric: c.first for c in room.changes(rows, rows)}
    assert found == {"catch_rate": 1.0, "false_alarms": 0.5}


def test_wrong_use(tmp_path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "outcome": "right"}\n{"id": 1, "outcome": "right"}')
    with pytest.raises(InputError, match="two rows are named"):
        room.load(path)
    with pytest.raises(InputError, match="no row in common"):
        room.pair([{"id": 1}], [{"id": 2}])
    with pytest.raises(InputError, match="no evaluation known"):
        room.metrics([{"id": 1}])
    rows = answers(np.ones(3))
    with pytest.raises(InputError, match="names f1; these runs have right_and_cited"):
        failures(gate(f1=Limit()), room.changes(rows, rows))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[metrics", "cannot read"),
        ("alpha = 2\n[metrics.wrong]\n", "alpha"),
        ("[metrics.wrong]\nworst = 1\n", "worst"),
        ("alpha = 0.05\n", "metrics"),
    ],
)
def test_a_wrong_gate_is_named(tmp_path, text: str, word: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=word):
        load(path)


def test_a_gate_is_read(tmp_path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("[metrics.wrong]\nworse_by = 0.01\nmost = 0.1\n")
    assert load(path).metrics == {"wrong": Limit(worse_by=0.01, most=0.1)}
