"""`truepenny eval calibrate | calibrate-answers`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli_shared import (
    AsJson,
    Config,
    Inputs,
    More,
    artefact_path,
    collect,
    load_guard,
    load_retriever,
    show,
    tokenizer,
)
from models.terminal import explained, say


@explained
def calibrate(
    inputs: Inputs,
    more: More = None,
    risk: Annotated[
        float, typer.Option(help="Highest share of unsupported among accepted claims.")
    ] = 0.02,
    confidence: Annotated[float, typer.Option(help="That the promise holds.")] = 0.95,
    config: Config = None,
    as_json: AsJson = False,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="Else guards.thresholds, or var/thresholds.json."),
    ] = None,
) -> None:
    """Chooses the support threshold that keeps a promised risk, and writes the artefact.

    Example: truepenny eval calibrate --input calibration.jsonl --risk 0.02 --confidence 0.95
    """
    if not 0 < risk < 1 or not 0 < confidence < 1:
        raise typer.BadParameter("--risk and --confidence must each be between 0 and 1")
    from evaluation import calibrate as room
    from evaluation import guard as judged

    files = [*inputs, *(more or [])]
    given = [row for path in files for row in judged.load(path)]
    checker = load_guard(config)
    found = collect(judged.rows(given, checker), len(given), "checking", None)
    result = room.calibrate(found, risk=risk, confidence=confidence)
    if result is None:
        least = room.least_accepted(len(found), risk, confidence)
        say(
            f"Error: no threshold keeps the risk at {risk:g} with confidence {confidence:g} on "
            f"{len(found)} claims (at least {least} must be accepted); give more claims or a "
            "higher --risk. Nothing was written."
        )
        raise typer.Exit(1)
    thresholds = room.artefact(checker, result, files, tokenizer(config))
    path = out_file or artefact_path(config)
    room.write(thresholds, path)
    show(json.loads(path.read_text(encoding="utf-8")), as_json, room.tables)
    say(f'Written to {path}; [guards] thresholds = "{path}" makes it the one that serves.')


@explained
def calibrate_answers(
    sets: Annotated[
        list[str], typer.Option("--set", help="INDEX=QUESTIONS, a folder and a file; repeatable.")
    ],
    declined: Annotated[
        float, typer.Option(help="Least share of unanswerable questions to decline, set by set.")
    ] = 0.85,
    config: Config = None,
    as_json: AsJson = False,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Else guards.thresholds, or var/thresholds.json.")
    ] = None,
) -> None:
    """Learns when a question counts as answered by what was found, and writes the artefact.

    Example: truepenny eval calibrate-answers --set var/index=examples/questions/shop.jsonl
    """
    from evaluation import answerability as room
    from evaluation import questions as loaded
    from evaluation.calibrate import write

    pairs = [item.partition("=") for item in sets]
    if not all(index and questions for index, _, questions in pairs):
        raise typer.BadParameter("--set takes INDEX=QUESTIONS, such as var/index=questions.jsonl")
    checker = load_guard(config)
    rows = []
    for index, _, questions in pairs:
        asked = loaded.load(Path(questions))
        measured = room.rows(asked, load_retriever(config, Path(index)), checker)
        rows += collect(measured, len(asked), f"asking {questions}", None)
    thresholds = room.artefact(checker, rows, declined, [Path(q) for _, _, q in pairs])
    path = out_file or artefact_path(config)
    write(thresholds, path)
    show(json.loads(path.read_text(encoding="utf-8")), as_json, room.tables)
    say(f"Written to {path}")
