"""`truepenny eval dialogue`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli_shared import AsJson, CacheFile, Config, Index, Limit, Out, collect, show
from models.terminal import explained


@explained
def dialogue(
    conversations: Annotated[
        Path, typer.Option("--conversations", help="JSONL of {turns, expected, known}.")
    ],
    index: Index = None,
    flows: Annotated[
        Path | None, typer.Option("--flows", help="A folder of flows; else [bot] flows.")
    ] = None,
    part: Annotated[str | None, typer.Option("--part", help="dev or test; else both.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    limit: Limit = None,
    cache: CacheFile = None,
    out_file: Out = None,
) -> None:
    """Holds written conversations as the service does, and judges each last reply.

    Example: truepenny eval dialogue --conversations examples/conversations/npm.jsonl
    """
    from evaluation import dialogue as room
    from evaluation.faithfulness import patient
    from evaluation.runner import Cache, content_key, run

    if part not in (None, *room.PARTS):
        raise typer.BadParameter(f"unknown part {part!r}; there are: {', '.join(room.PARTS)}")
    held = room.load(conversations, part, limit)
    from bot.dialogue.parts import load_dialogue  # seconds, so only for a good file

    parts = load_dialogue(config, index, flows)
    parts["guard"] = patient(parts["guard"])
    versions = (parts["retriever"].version, parts["guard"].version, parts["dialogue"].flows)
    made = run(
        held,
        lambda chunk: room.rows(chunk, parts),
        lambda item: content_key("dialogue", versions, asdict(item)),
        Cache(cache),
        chunk=1,
    )
    found = collect(made, len(held), "talking", out_file)
    show(room.summary(found), as_json, room.tables)
