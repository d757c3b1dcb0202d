"""`truepenny index`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from models.config import ModelsConfig, section
from models.terminal import explained, out, say


@explained
def index(
    sources: Annotated[
        list[Path], typer.Argument(help="Folders or files: Markdown, HTML, PDF, DOCX, text, CSV.")
    ],
    folder: Annotated[
        Path | None, typer.Option("--out", help="The index folder; the configured one by default.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="truepenny.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Reads a help centre and makes its index.

    Only what changed is embedded again; the new index is swapped in whole.

    Example: truepenny index examples/helpcentre --out var/index
    """
    from rich.console import Console
    from rich.progress import Progress

    from retrieval.embedder import load_embedder
    from retrieval.index import build
    from retrieval.retriever import RetrievalConfig
    from retrieval.sources import read_all

    to = folder or Path(section(config, "retrieval", RetrievalConfig).index)
    reading = read_all(sources)
    for skipped in reading.skipped:
        say(f"skipped {skipped.source}: {skipped.reason}")
    embedder = load_embedder(section(config, "models", ModelsConfig))
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("embedding", total=None)
        built = build(
            reading.articles,
            to,
            embedder,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        out({**asdict(built), "skipped": [asdict(item) for item in reading.skipped]})
    say(
        f"{built.articles} articles, {built.passages} passages ({built.added} added, "
        f"{built.changed} changed, {built.removed} removed), {len(reading.skipped)} files "
        f"skipped, {built.seconds:.1f} s -> {to} ({built.version})"
    )
