"""`truepenny eval compare | report | plan`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli_shared import AsJson, Row, show
from models.terminal import explained, out, say

First = Annotated[Path, typer.Argument(metavar="A", help="Rows of the run before, by --out.")]
Second = Annotated[Path, typer.Argument(metavar="B", help="Rows of the run now.")]


@explained
def compare(
    first: First,
    second: Second,
    gate: Annotated[
        Path | None, typer.Option("--gate", help="gate.toml; exits with 1 on what it forbids.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compares two runs over the same rows: what changed, and whether it may be chance.

    Example: truepenny eval compare var/before.jsonl var/now.jsonl --gate gate.toml
    """
    from evaluation import compare as room
    from evaluation import gate as gates

    limits = gates.load(gate) if gate else None
    allowed = {name: m.worse_by for name, m in limits.metrics.items()} if limits else {}
    before, now = room.load(first), room.load(second)
    found = room.changes(before, now, allowed)
    failed = gates.failures(limits, found) if limits else []
    rows = [{**asdict(change), "difference": change.difference} for change in found]
    left = len(before) + len(now) - 2 * len(room.pair(before, now))
    show({"changes": rows, "left_out": left, "failures": failed}, as_json, _tables)
    if left:
        say(f"{left} rows are in one run only and left out.")
    for sentence in failed:
        say(sentence)
    if failed:
        raise typer.Exit(1)


@explained
def report(
    rows: Annotated[Path, typer.Argument(metavar="ROWS", help="Rows of a run, by --out.")],
    before: Annotated[
        Path | None, typer.Option("--before", help="Rows of the run before, to show what changed.")
    ] = None,
    html: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path(
        "var/report.html"
    ),
    title: Annotated[str, typer.Option(help="Above all.")] = "How good are the answers?",
    as_json: AsJson = False,
) -> None:
    """Writes one HTML file that needs nothing else: figures, curves, errors with examples.

    Example: truepenny eval report var/now.jsonl --before var/before.jsonl --out var/report.html
    """
    from evaluation import compare as runs
    from evaluation import report as room

    data = room.gather(runs.load(rows), runs.load(before) if before else None)
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(room.render(data, title), encoding="utf-8")
    if as_json:
        out(data)
    say(f"Written to {html}")


@explained
def plan(
    change: Annotated[float, typer.Option(help="The smallest change to be seen.")] = 0.02,
    rate: Annotated[float, typer.Option(help="The share now.")] = 0.95,
    differing: Annotated[
        float | None, typer.Option(help="Share of rows on which two runs differ.")
    ] = None,
    correlation: Annotated[
        float, typer.Option(help="Of automatic scores with labels, 0 to 1.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """How many labels are needed to see a change, four times of five, at 5 % false alarms.

    Example: truepenny eval plan --change 0.02 --rate 0.95 --correlation 0.6
    """
    from evaluation.labelled import plan as planned

    try:
        found = planned(change, rate, differing, correlation)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    show(asdict(found), as_json, _plan_tables)


def _plan_tables(result: Row) -> list[list[list[str]]]:
    names = {
        "unpaired": "labels a run, each over rows of its own",
        "scored": "the same, with automatic scores beside them",
        "paired": "labelled rows, where both runs answer the same ones",
    }
    return [[["needed", "labels"], *([text, str(result[name])] for name, text in names.items())]]


def _tables(result: Row) -> list[list[list[str]]]:
    body = [
        [
            c["metric"],
            f"{c['first']:.3f}",
            f"{c['second']:.3f}",
            f"{c['difference']:+.3f} [{c['low']:+.3f}, {c['high']:+.3f}]",
            f"{c['p']:.3g}",
            str(c["n"]),
        ]
        for c in result["changes"]
    ]
    return [[["metric", "before", "now", "difference", "p (worse)", "rows"], *body]]
