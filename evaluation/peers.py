"""ragas' and DeepEval's metrics over the same rows as ours, with any OpenAI-compatible judge.

They run in a process of their own (`peer_worker.py`), in whatever environment they are installed.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from evaluation.inputs import Answer
from evaluation.questions import InputError
from evaluation.statistics import mean, shown

WORKER = Path(__file__).with_name("peer_worker.py")
PEERS = ("ragas", "deepeval")
OURS = "truepenny supported"
QUIET = {"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "RAGAS_DO_NOT_TRACK": "true"}
Row = dict[str, Any]


class Peer:
    """A peer's process. Use it as a context; `version` is the release that it runs."""

    def __init__(self, name: str, endpoint: str, model: str, python: str) -> None:
        """Starts it.

        Raises:
            InputError: There is no such interpreter, or it hasn't the peer.
        """
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix="truepenny-peer-")  # they leave files
        self._errors = Path(self._folder.name) / "stderr"
        command = [python, str(WORKER), name, endpoint, model]
        try:
            with self._errors.open("w") as errors:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                    cwd=self._folder.name, env={**os.environ, **QUIET}, text=True,
                )  # fmt: skip
        except OSError as error:
            self._folder.cleanup()
            raise InputError(f"cannot run {python}: {error}; name one with --python") from None
        first = self._read()
        if "ready" not in first:
            why = first.get("missing") or first["error"]
            self.close()
            raise InputError(
                f"{python} can't run {name}: {why}; install it into an environment of its own "
                f"(python -m venv peers; peers/bin/pip install {name}) and name that environment's "
                "interpreter with --python"
            )
        self.version = str(first["ready"])

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def score(self, given: Answer) -> Row:
        """{scores: {metric: number}}, or {error}; a process that died fails all that is left."""
        passages = [text for _, text in given.passages]
        line = {"question": given.question or "", "answer": given.text, "passages": passages}
        try:
            stdin: IO[str] = self._process.stdin  # type: ignore[assignment]
            stdin.write(json.dumps(line) + "\n")
            stdin.flush()
        except OSError:
            return {"error": self._death()}
        return self._read()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def _read(self) -> Row:
        stdout: IO[str] = self._process.stdout  # type: ignore[assignment]
        line = stdout.readline()
        found: Row = json.loads(line) if line else {"error": self._death()}
        return found

    def _death(self) -> str:
        said = self._errors.read_text(encoding="utf-8", errors="replace").strip()
        return f"{self.name} ended: {said.splitlines()[-1] if said else 'without a word'}"


def rows(answers: Sequence[Answer], ours: Sequence[Row], peers: Sequence[Peer]) -> Iterator[Row]:
    """Ours with {peers: {name: {scores} or {error}}} and our own share of supported sentences."""
    for given, row in zip(answers, ours, strict=True):
        yield {**row, "share": share_of(row), "peers": {p.name: p.score(given) for p in peers}}


def share_of(row: Row) -> float | None:
    """The share of an answer's statements that are supported; None where it has none."""
    said = [v["status"] == "supported" for v in row["verdicts"] if v["status"] != "refusal"]
    return sum(said) / len(said) if said else None


def summary(found: Sequence[Row], versions: dict[str, str]) -> Row:
    """Each metric's mean with its interval, how many rows failed, and how it ranks beside ours.

    `rank_correlation` is Spearman's with our share, over the rows that have both.
    """
    metrics = dict.fromkeys(
        metric for row in found for one in row["peers"].values() for metric in one.get("scores", ())
    )
    shares = [row["share"] for row in found]
    result: Row = {OURS: _figures(shares, shares)}
    for metric in metrics:
        scores = [_score(row, metric) for row in found]
        result[metric] = _figures(scores, shares)
    silent = {name: sum("error" in row["peers"][name] for row in found) for name in versions}
    return {"rows": len(found), "metrics": result, "failed": silent, "versions": versions}


def tables(result: Row) -> list[list[list[str]]]:
    """One table, a row a metric, and one of what failed."""
    body = [
        [name, shown(f["mean"]), str(f["without"]), _number(f["rank_correlation"])]
        for name, f in result["metrics"].items()
    ]
    header = ["metric", "mean", "rows without a score", "rank correlation with ours"]
    lost = [[n, result["versions"][n], str(count)] for n, count in result["failed"].items()]
    return [[header, *body], [["peer", "version", "failed rows"], *lost]]


def _score(row: Row, metric: str) -> float | None:
    found = (one.get("scores", {}).get(metric) for one in row["peers"].values())
    return next((value for value in found if value is not None), None)


def _figures(scores: Sequence[float | None], ours: Sequence[float | None]) -> Row:
    known = [score for score in scores if score is not None]
    pairs = [(a, b) for a, b in zip(scores, ours, strict=True) if a is not None and b is not None]
    return {
        "mean": mean(known),
        "without": len(scores) - len(known),
        "rank_correlation": _spearman(pairs),
    }


def _spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """None where one side is the same throughout."""
    if any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(np.array(pairs)).statistic)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
