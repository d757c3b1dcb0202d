"""`truepenny eval peers`."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli_shared import AsJson, Config, Out, collect, load_guard, show
from models.terminal import explained, say


@explained
def peers(
    file: Annotated[Path, typer.Option("--input", help="As for eval faithfulness.")],
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="The judge's OpenAI-compatible URL, ending in /v1.")
    ],
    model: Annotated[str, typer.Option("--model", help="The judge's name there.")],
    with_: Annotated[list[str], typer.Option("--with", help="ragas or deepeval; may be repeated.")],
    python: Annotated[
        str, typer.Option("--python", help="The interpreter that has them; else ours.")
    ] = sys.executable,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="OURS=THEIRS, such as answer=reply; may be repeated."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    out_file: Out = None,
) -> None:
    """Runs ragas and DeepEval over the same file, side by side with our scorer.

    The judge's key is read from OPENAI_API_KEY. Exits with 1 if a row couldn't be read.

    Example: truepenny eval peers --input answers.jsonl --endpoint http://127.0.0.1:8000/v1
    --model judge --with ragas --with deepeval --python peers/bin/python
    """
    from evaluation import faithfulness, inputs
    from evaluation import peers as room

    if unknown := set(with_) - set(room.PEERS):
        raise typer.BadParameter(f"unknown {', '.join(unknown)}; there are: ragas, deepeval")
    if not endpoint.startswith(("http://", "https://")):
        raise typer.BadParameter(f"--endpoint takes an http(s) URL, got {endpoint!r}")
    mapped = inputs.columns(column or [])
    lines = inputs.load(file, limit)
    with ExitStack() as stack:
        started = [
            stack.enter_context(room.Peer(name, endpoint, model, python))
            for name in dict.fromkeys(with_)
        ]
        ours = faithfulness.rows(lines, faithfulness.patient(load_guard(config)), str(file), mapped)
        scored = [(line, row) for line, row in zip(lines, ours, strict=True) if "error" not in row]
        answers = [inputs.answer(line.row or {}, str(file), mapped) for line, _ in scored]
        made = room.rows(answers, [row for _, row in scored], started)
        found = collect(made, len(scored), "asking the judge", out_file)
        result = room.summary(found, {peer.name: peer.version for peer in started})
    unread = len(lines) - len(scored)
    show({**result, "unread": unread}, as_json, room.tables)
    if unread:
        say(f"{unread} of {len(lines)} rows could not be read; `eval faithfulness` says why.")
        raise typer.Exit(1)
