"""`truepenny train`."""

from pathlib import Path
from typing import Annotated

import typer

from finetune import commands, commands_chat
from models.config import ModelsConfig, section
from models.terminal import explained, out, say

app = typer.Typer(no_args_is_help=True)
HELD_OUT = Path("var/verifier_held_out.jsonl")
FIRST_RATE, SECOND_RATE = 5e-4, 4e-4


@app.callback()
def train() -> None:
    """Adapts a model to your data."""


@app.command()
@explained
def average(
    adapters: Annotated[list[Path], typer.Argument(help="Verifier adapters of one start.")],
    folder: Annotated[Path, typer.Option("--out", help="Where the mean is written.")],
    config: Annotated[Path | None, typer.Option(help="truepenny.toml")] = None,
) -> None:
    """Averages the weights of verifier adapters that went on from the same start.

    Example: truepenny train average var/verifier-3 var/verifier-4 --out models/adapters/verifier
    """
    from finetune.average import average as mean
    from finetune.golden import write_golden
    from models.resolve import embedder_folder

    models = section(config, "models", ModelsConfig)
    mean(adapters, folder)
    write_golden(embedder_folder(models), folder)
    say(f"wrote {folder}, the mean of {len(adapters)} adapters, with its golden scores")


@app.command()
@explained
def verifier(
    data: Annotated[Path, typer.Option(help="Folder with grounding/, qa/ and helpcentres/.")],
    folder: Annotated[Path, typer.Option("--out", help="Where the adapter is written.")],
    questions: Annotated[Path, typer.Option(help="Our question sets.")] = Path(
        "examples/questions"
    ),
    start: Annotated[
        Path | None, typer.Option(help="An adapter to go on from, on the second stage's mix.")
    ] = None,
    rank: Annotated[int, typer.Option(help="LoRA rank.")] = 48,
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = 2,
    config: Annotated[Path | None, typer.Option(help="truepenny.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The run's summary on stdout.")] = False,
) -> None:
    """Trains the cross-encoder (about 45 minutes on two cores); resumes after a kill.

    The first stage leads with grounding pairs; with --start, questions on help centres lead.

    Example: truepenny train verifier --data ../shared/data --out var/verifier-1
    """
    from finetune.verifier import Recipe, train
    from finetune.verifier_data import build, split, write_held_out
    from models.resolve import embedder_folder
    from retrieval.embedder import load_embedder

    models = section(config, "models", ModelsConfig)
    pairs = build(data, questions, load_embedder(models).embed, second_stage=start is not None)
    kept, held = split(pairs)
    write_held_out(held, HELD_OUT)
    recipe = Recipe(
        rank=rank,
        epochs=epochs,
        learning_rate=SECOND_RATE if start else FIRST_RATE,
        short_first=start is None,
    )
    summary = train(kept, held, embedder_folder(models), folder, recipe, start)
    if as_json:
        out(summary)
    say(
        f"wrote {folder}: {summary['held_out_auc']} on held-out groups; their claims are in "
        f"{HELD_OUT}, for `truepenny eval calibrate --input {HELD_OUT}`"
    )


for command in (
    commands.generator,
    commands_chat.preference,
    commands_chat.rewriter,
    commands.embedder,
    commands.intents,
    commands.encoder,
    commands.export,
):
    app.command()(command)
