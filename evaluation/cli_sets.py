"""`truepenny eval make-questions | label | agreement | estimate`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli_shared import (
    AsJson,
    Config,
    Index,
    Row,
    collect,
    load_guard,
    load_retriever,
    show,
)
from models.terminal import explained, say


@explained
def make_questions(
    target: Annotated[Path, typer.Option("--out", help="The question set, JSONL.")],
    index: Index = None,
    config: Config = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="The same for a person to review.")
    ] = None,
    reviewed: Annotated[
        Path | None, typer.Option("--reviewed", help="A reviewed CSV to make the set from.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drafts questions from the help centre's own sentences, each checked; a person reviews them.

    Example: truepenny eval make-questions --index var/index --out set.jsonl --csv set.csv
    """
    from evaluation import drafting as room
    from evaluation.questions import InputError, load

    if reviewed:
        try:
            rows = room.from_csv(reviewed.read_text(encoding="utf-8-sig"), str(reviewed))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {reviewed}: {error}") from None
        drafted = len(rows)
    else:
        retriever, guard = load_retriever(config, index), load_guard(config)
        given = room.drafts(retriever.index.passages)
        made = room.checked(given, retriever, guard)
        kept = collect(made, len(given), "checking", None)
        fit = room.distinct([draft for draft in kept if draft], retriever.embedder)
        rows, drafted = [room.row(draft) for draft in fit], len(given)
    if not rows:
        say("No question could be made: none was kept. Nothing was written.")
        raise typer.Exit(1)
    _write(target, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    load(target)  # what a person edited must still be a question set
    if csv_file:
        _write(csv_file, room.to_csv(rows))
    kinds = [row["kind"] for row in rows]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    show({"drafted": drafted, "kept": len(rows), "kinds": counts}, as_json, _tables)


@explained
def label(
    rows: Annotated[Path, typer.Option("--input", help="Rows of eval faithfulness --out.")],
    rater: Annotated[str, typer.Option("--rater", help="Who judges.")],
    target: Annotated[Path, typer.Option("--out", help="The labels, JSONL; added to.")] = Path(
        "var/labels.jsonl"
    ),
    port: Annotated[int, typer.Option(help="Of this machine only.")] = 8765,
) -> None:
    """Serves a page for judging sentences against their evidence, by the keys 1 to 4.

    Example: truepenny eval label --input var/now.jsonl --rater ann
    """
    import uvicorn

    from evaluation import label as room
    from evaluation.questions import read_rows

    given = room.items([row for _, row in read_rows(rows)])
    room.load(target)
    say(f"{len(given)} sentences at http://127.0.0.1:{port}/ - end with Ctrl-C")
    uvicorn.run(room.build(given, target, rater), host="127.0.0.1", port=port, log_level="warning")


@explained
def agreement(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="JSONL of eval label.")],
    first: Annotated[str, typer.Argument(metavar="RATER")],
    second: Annotated[str, typer.Argument(metavar="RATER")],
    as_json: AsJson = False,
) -> None:
    """Cohen's kappa of two raters, with its interval, and what they disagree on.

    Example: truepenny eval agreement var/labels.jsonl ann bob
    """
    from evaluation import label as room
    from evaluation.statistics import shown

    def tables(result: Row) -> list[list[list[str]]]:
        apart = [[d["key"], d[first], d[second]] for d in result["disagreements"]]
        return [[["kappa", shown(result["kappa"])]], [["sentence", first, second], *apart]]

    show(room.agreement(labels, first, second), as_json, tables)


@explained
def estimate(
    rows: Annotated[Path, typer.Option("--input", help="Rows of eval faithfulness --out.")],
    labels: Annotated[Path, typer.Option("--labels", help="JSONL of eval label.")],
    rater: Annotated[
        list[str] | None, typer.Option("--rater", help="Only theirs; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The share of supported sentences: a few labels, helped by all automatic scores (PPI++).

    The labels must be of sentences drawn at random. How many are needed: truepenny eval plan.

    Example: truepenny eval estimate --input var/now.jsonl --labels var/labels.jsonl
    """
    from evaluation import label as people
    from evaluation.labelled import supported_share
    from evaluation.questions import read_rows

    known = people.load(labels)
    wanted = {name: known.get(name, {}) for name in rater or known}
    found = supported_share([row for _, row in read_rows(rows)], wanted)
    show(found, as_json, _estimate_tables)


def _estimate_tables(result: Row) -> list[list[list[str]]]:
    from evaluation.statistics import shown

    alike = result["correlation"]
    body = [
        ["labels with scores", shown(result["with_scores"])],
        ["labels alone", shown(result["labels_alone"])],
        ["scores alone (may be biased)", f"{result['scores_alone']:.3f} of {result['scored']}"],
        ["correlation", "–" if alike is None else f"{alike:.2f}"],
        ["sentences without a score", str(result["unscored"])],
    ]
    return [[["supported sentences", "share"], *body]]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _tables(result: Row) -> list[list[list[str]]]:
    body = [[kind, str(count)] for kind, count in result["kinds"].items()]
    return [[["kind", "kept"], *body, ["of drafts", str(result["drafted"])]]]
