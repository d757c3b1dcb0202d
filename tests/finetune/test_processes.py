"""Several processes: each row is taken once, and two give the losses of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st


@given(items=st.lists(st.integers(), max_size=20), world=st.integers(1, 5))
def test_every_item_is_one_process_s(items: list[int], world: int) -> None:
    from finetune.processes import Processes

    shares = [Processes(rank=rank, world=world).share(items) for rank in range(world)]
    assert sorted(item for share in shares for item in share) == sorted(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_nothing_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from finetune.processes import Processes

    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = Processes.joined()
    assert (alone.world, alone.first) == (1, True)
    assert alone.total(0.1, 2) == [0.1, 2]
    parameter = torch.nn.Parameter(torch.ones(2))
    alone.sum_gradients([parameter])
    assert parameter.grad is None
    alone.wait()


def ran(out: Path, world: int, objective: str) -> list[dict[str, Any]]:
    """What each process printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {
        **os.environ, "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.finetune.two_processes", str(out), objective]
    processes = [
        subprocess.Popen(
            command, env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, text=True,
        )
        for rank in range(world)
    ]  # fmt: skip
    printed = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * world
    return [json.loads(text.splitlines()[-1]) for text in printed]


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["plain", "accumulated", "replayed"])
def test_two_processes_give_the_losses_of_one(objective: str, tmp_path: Path) -> None:
    (alone,) = ran(tmp_path / "one", 1, objective)
    first, second = ran(tmp_path / "two", 2, objective)
    assert first == second
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    assert first["held"] == pytest.approx(alone["held"], rel=1e-4)
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=1e-3)
    curves = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("one", "two")]
    assert len(curves[0].splitlines()) == len(curves[1].splitlines())
