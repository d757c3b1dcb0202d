"""Fifty customers at once, at `truepenny serve` and at a plain FastAPI and LangChain RAG.

    python -m bench.load --index var/index --questions examples/questions/shop.jsonl

Two mixes: all questions different, and a Zipf mix over 200 questions, as support desks see it. Each
service has a fresh process for each, and the customers another. In the end the service is stopped
by SIGTERM while all of them ask: each message that it had taken must still get its reply.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import typer

from bench import process
from bench.customers import BEGUN, Seen
from bench.figures import BenchError, Figure, figures_json, table
from models.terminal import explained, out, say

MIXES = ("different", "zipf")
LEAST_RATIO = {"different": 1.0, "zipf": 2.0}
MOST_GROWTH = 1.2
WARM_UP = ("How do I get in touch with you?", "What happens when something goes wrong?")
STOPPING_S = 5.0  # customers go on asking while the service stops
ENDING_S = 60.0
READ_S = 1.0
PER_SECOND = 400  # questions of a Zipf mix, more than a service on two cores can answer
Form = Literal["events", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the customers saw of one service, and its resident bytes at the start and the end."""

    seen: Sequence[Seen]
    stopped: float
    rss: tuple[int, int]

    def ended(self, outcome: str) -> list[Seen]:
        """The requests that ended so before the service was told to stop."""
        return [s for s in self.seen if s.outcome == outcome and s.ended <= self.stopped]

    @property
    def lost(self) -> list[Seen]:
        """The requests that the service had taken, or had for a second, and let fall as it stopped.

        One that it hadn't read yet is refused by the closing of its connection.
        """
        late = (s for s in self.seen if s.outcome == "error" and s.ended > self.stopped)
        return [s for s in late if s.accepted or s.began < self.stopped - READ_S]

    @property
    def throughput(self) -> float:
        """Whole replies in a second, from the first question until the service was stopped."""
        return len(self.ended("reply")) / (self.stopped - min(s.began for s in self.seen))


@explained
def load(
    index: Annotated[Path, typer.Option("--index", help="Index folder.")],
    questions: Annotated[Path, typer.Option("--questions", help="A question set, JSONL.")],
    seconds: Annotated[float, typer.Option(min=1, help="How long each runs.")] = 300,
    customers: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = 50,
    only: Annotated[
        list[str] | None, typer.Option("--only", help=f"Of {', '.join(MIXES)}; all by default.")
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 if an aim is missed.")] = False,
    config: Annotated[Path | None, typer.Option(help="truepenny.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Measures throughput, waiting, memory and stopping under load, beside a plain RAG."""
    wanted = only or list(MIXES)
    if unknown := set(wanted) - set(MIXES):
        raise typer.BadParameter(f"unknown {', '.join(unknown)}; there are: {', '.join(MIXES)}")
    from bench.machine import about, line

    machine = about()
    say(line(machine))
    mixes = _mixes(index, questions, seconds)
    figures, missed = [], []
    for mix in wanted:
        asked = mixes[mix]
        say(f"{mix}: {len(set(asked))} questions, {customers} customers, {seconds:g} s each ...")
        with _ours(index, config) as (ours, url):
            mine = _measure(ours, url, "events", asked, customers, seconds)
        with _rag(index, config) as (theirs, url):
            other = _measure(theirs, url, "text", asked, customers, seconds)
        figures += compared(mix, mine, other)
        missed += misses(mix, mine, other)
    _print(figures)
    for sentence in missed:
        say(sentence)
    if as_json:
        out({"machine": machine, "index": str(index), "questions": str(questions),
             "seconds": seconds, "customers": customers, "figures": figures_json(figures),
             "missed": missed})  # fmt: skip
    if gate and missed:
        raise typer.Exit(1)


def compared(mix: str, ours: Load, naive: Load) -> list[Figure]:
    """The figures of one mix, ours beside the naive service's."""
    from evaluation.statistics import percentiles

    def figure(name: str, unit: str, mine: Any, other: Any) -> Figure:
        return Figure(name=f"{mix}_{name}", unit=unit, ours=mine, naive=other)

    loads = (ours, naive)
    replies = [load.ended("reply") for load in loads]
    firsts = [percentiles([s.first_s for s in said if s.first_s is not None]) for said in replies]
    wholes = [percentiles([s.whole_s for s in said if s.whole_s is not None]) for said in replies]
    return [
        figure("throughput", "replies/s", *(load.throughput for load in loads)),
        figure("accepted", "", *map(len, replies)),
        figure("answers", "", sum(s.action == "answer" for s in replies[0]), None),
        figure("refused", "", *(len(load.ended("refused")) for load in loads)),
        figure("errors", "", *(len(load.ended("error")) for load in loads)),
        *(figure(f"first_sentence_{p}", "s", *(f[p] for f in firsts)) for p in ("p50", "p95")),
        *(figure(f"reply_{p}", "s", *(w[p] for w in wholes)) for p in ("p50", "p95")),
        figure("rss_start", "GB", *(load.rss[0] / 1e9 for load in loads)),
        figure("rss_end", "GB", *(load.rss[1] / 1e9 for load in loads)),
        figure("lost_on_stop", "", len(ours.lost), None),
    ]


def misses(mix: str, ours: Load, naive: Load) -> list[str]:
    """A sentence for each aim that is missed."""
    found, least = [], LEAST_RATIO[mix]
    if ours.throughput < least * naive.throughput:
        found.append(
            f"{mix}: {ours.throughput:.2f} replies/s; the aim is at least {least:g} times the "
            f"naive service's {naive.throughput:.2f}."
        )
    if errors := ours.ended("error"):
        found.append(f"{mix}: {len(errors)} errors, the first {errors[0].detail!r}; the aim is 0.")
    if lost := ours.lost:
        found.append(
            f"{mix}: {len(lost)} replies lost on SIGTERM, the first {lost[0].detail!r}; "
            "the aim is 0."
        )
    if ours.rss[1] > MOST_GROWTH * ours.rss[0]:
        found.append(
            f"{mix}: memory grew from {ours.rss[0] / 1e9:.2f} to {ours.rss[1] / 1e9:.2f} GB; the "
            f"aim is at most {MOST_GROWTH:g} times."
        )
    return found


def _mixes(index: Path, questions: Path, seconds: float) -> dict[str, list[str]]:
    from bench.questions import different, zipf
    from evaluation.questions import load as load_questions
    from retrieval.index import open_index

    asked = [question.question for question in load_questions(questions)]
    passages = open_index(index, _embedder(index)).passages
    return {
        "different": different(asked, passages),
        "zipf": zipf(asked, int(seconds * PER_SECOND) + 1000),
    }


@contextmanager
def _ours(index: Path, config: Path | None) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Our service, ready: its defaults, but a database of its own and no limit by address."""
    port = process.free_port()
    command = [
        sys.executable, "-m", "truepenny", "serve", "--index", str(index),
        "--host", "127.0.0.1", "--port", str(port), *(["--config", str(config)] if config else []),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="truepenny-load-") as work:
        variables = {
            "TRUEPENNY_STORE_URL": f"sqlite:///{work}/load.db",
            "TRUEPENNY_SERVICE_ADDRESS_LIMIT": "",
        }
        with process.running(command, **variables) as (started, log):
            yield started, _ready(started, log, port)


@contextmanager
def _rag(index: Path, config: Path | None) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The naive service, ready."""
    port = process.free_port()
    options = [str(index), _embedder(index), str(port), *([str(config)] if config else [])]
    command = [sys.executable, "-m", "bench.rag_service", *options]
    with process.running(command) as (started, log):
        yield started, _ready(started, log, port)


def _ready(started: "subprocess.Popen[str]", log: Any, port: int) -> str:
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, trust_env=False, timeout=process.PATIENCE_S) as client:
        process.until_ready(client, started, log)
        for text in WARM_UP:
            body = {"message": text, "stream": True}
            client.post("/v1/chat", json=body).raise_for_status()
    return url


def _measure(
    service: "subprocess.Popen[str]",
    url: str,
    form: Form,
    asked: Sequence[str],
    customers: int,
    seconds: float,
) -> Load:
    """Lets the customers ask, stops the service under them, and gathers what they saw.

    Raises:
        BenchError: The customers saw nothing, or the service didn't stop.
    """
    before = process.resident(service)
    options = [url, form, str(customers), str(seconds + STOPPING_S)]
    command = [sys.executable, "-m", "bench.customers", *options]
    with process.running(command) as (crowd, log):
        assert crowd.stdin
        assert crowd.stdout
        crowd.stdin.write(json.dumps(asked))
        crowd.stdin.close()
        crowd.stdin = None  # else it would be flushed once more
        if crowd.stdout.readline().strip() != BEGUN:
            raise BenchError(f"the customers ended: {process.tail(log)}")
        time.sleep(seconds)
        if service.poll() is not None:
            raise BenchError(f"the service ended under load with {service.returncode}")
        after, stopped = process.resident(service), time.time()
        service.terminate()
        seen = [Seen(**json.loads(line)) for line in crowd.stdout]
        if not seen:
            raise BenchError(f"the customers saw nothing: {process.tail(log)}")
    try:
        service.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        raise BenchError(f"the service hadn't stopped {ENDING_S:g} s after SIGTERM") from None
    return Load(seen=seen, stopped=stopped, rss=(before, after))


def _embedder(index: Path) -> str:
    """The name of the embedder that an index was made with."""
    version = (index / "CURRENT").read_text(encoding="utf-8").strip()
    manifest = json.loads((index / version / "manifest.json").read_text(encoding="utf-8"))
    return str(manifest["embedder"])


def _print(figures: Sequence[Figure]) -> None:
    from rich.console import Console
    from rich.table import Table

    header, *rows = table(figures)
    shown = Table(*header[:-1])
    for row in rows:
        shown.add_row(*row[:-1])
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    typer.run(load)
