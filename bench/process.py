"""Real processes, ours and the naive one: how soon they are ready and how much memory they hold."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from bench.figures import BenchError

PATIENCE_S = 300.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds from the start of the process until it was ready; resident bytes at the end."""

    start_s: float
    rss_bytes: int


def serve(index: Path, config: Path | None, questions: Sequence[str]) -> Measured:
    """Starts `truepenny serve`, waits for /readyz to give 200, and asks the questions.

    Raises:
        BenchError: It never gets ready, or doesn't reply.
    """
    port = free_port()
    options = ["--index", str(index), "--host", "127.0.0.1", "--port", str(port)]
    options += ["--config", str(config)] if config else []
    began = time.perf_counter()
    with running([sys.executable, "-m", "truepenny", "serve", *options]) as (process, log):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            until_ready(client, process, log)
            ready = time.perf_counter() - began
            for question in questions:
                reply = client.post("/v1/chat", json={"message": question}, timeout=PATIENCE_S)
                if reply.status_code != 200:
                    raise BenchError(f"the service gave {reply.status_code}: {reply.text[:300]}")
        return Measured(start_s=ready, rss_bytes=resident(process))


def naive(
    index: Path, embedder_name: str, config: Path | None, questions: Sequence[str]
) -> Measured:
    """The same for the naive pipeline, which has no service around it and no self-test.

    Raises:
        BenchError: It ends before its work is done.
    """
    options = [str(index), embedder_name, *([str(config)] if config else [])]
    began = time.perf_counter()
    with running([sys.executable, "-m", "bench.naive_process", *options]) as (process, log):
        _expect(process, log, "ready")
        ready = time.perf_counter() - began
        for question in questions:
            assert process.stdin is not None
            process.stdin.write(" ".join(question.split()) + "\n")
            process.stdin.flush()
            _expect(process, log, "done")
        return Measured(start_s=ready, rss_bytes=resident(process))


@contextmanager
def running(
    command: list[str], **variables: str
) -> Iterator[tuple["subprocess.Popen[str]", IO[str]]]:
    """A process and its log (stderr); the process is ended when the block is left.

    Args:
        command: What is run.
        variables: Added to the environment.
    """
    environ = {k: v for k, v in os.environ.items() if k != "TRUEPENNY_SERVICE_KEYS"} | variables
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env=environ,
        )  # fmt: skip
        try:
            yield process, log
        finally:
            process.terminate()
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def until_ready(client: httpx.Client, process: "subprocess.Popen[str]", log: IO[str]) -> None:
    """Waits for /readyz to give 200.

    Raises:
        BenchError: It ends, can't answer, or takes too long.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError(f"the service ended with {process.returncode}: {tail(log)}")
        try:
            answer = client.get("/readyz")
        except httpx.TransportError:
            time.sleep(_POLL_S)
            continue
        if answer.status_code == 200:
            return
        if answer.json().get("status") == "failed":
            raise BenchError(f"the service can't answer: {answer.json()['reasons']}")
        time.sleep(_POLL_S)
    raise BenchError(f"the service wasn't ready within {PATIENCE_S:g} s: {tail(log)}")


def _expect(process: "subprocess.Popen[str]", log: IO[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise BenchError(f"the naive pipeline ended before it said {word!r}: {tail(log)}")


def tail(log: IO[str]) -> str:
    """The end of a log."""
    log.seek(0)
    return log.read()[-500:].strip()


def resident(process: "subprocess.Popen[str]") -> int:
    """Resident memory of a process and its children; shared pages count in each."""
    import psutil  # type: ignore[import-untyped]

    parent = psutil.Process(process.pid)
    family = [parent, *parent.children(recursive=True)]
    return sum(int(member.memory_info().rss) for member in family)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
