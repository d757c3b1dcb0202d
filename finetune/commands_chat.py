"""The commands `truepenny train preference | rewriter`."""

from pathlib import Path
from typing import Annotated

import typer

from finetune.cli_shared import (
    Articles,
    Config,
    Conversations,
    DryRun,
    General,
    Json,
    Out,
    Promote,
    Questions,
    Way,
    general_pairs,
    judge_of,
    promoted,
    read_dataset,
    settings_of,
    show_card,
    train,
)
from models.config import ModelsConfig, section
from models.terminal import explained, say


@explained
def preference(
    context: typer.Context,
    folder: Out,
    articles: Articles = None,
    qa: Questions = None,
    conversations: Conversations = None,
    start: Annotated[
        Path | None, typer.Option("--start", help="The generator's adapter, to go on from.")
    ] = None,
    general: General = None,
    dry_run: DryRun = False,
    promote: Promote = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trains the generator to prefer drafts that the guard verifies to those that it rejects.

    Several drafts of each answer are sampled and judged first; they are kept in the folder.

    Example: truepenny train preference --articles help/ --qa faq.csv --start var/generator
    --out var/preferred
    """
    from finetune.preference import task
    from models.resolve import generator_torch_folder

    settings = settings_of(config, None)
    dataset, sources = read_dataset(config, settings, articles, qa, conversations)
    if dry_run:
        return show_card(dataset, sources, as_json)
    models = section(config, "models", ModelsConfig).model_copy(update={"generator_adapter": ""})
    base, judge = generator_torch_folder(models), judge_of(config)

    def on_draft(done: int, of: int) -> None:
        if done % 25 == 0 or done == of:
            say(f"drafts of {done} of {of} answers")

    train(
        lambda told: task(
            base, dataset, sources, general_pairs(general), settings, folder, told, judge=judge,
            start=start, on_draft=on_draft,
        ),
        models, as_json,
    )  # fmt: skip
    return promoted(context, folder, promote, config)


@explained
def rewriter(
    rows: Annotated[
        list[Path], typer.Option("--rows", help="Rows of history, question, rewrite, dialog.")
    ],
    folder: Out,
    general: General = None,
    method: Way = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trains the model that makes a follow-up question stand alone.

    Example: truepenny train rewriter --rows canard.jsonl --out var/rewriter
    """
    from finetune.rewriter import task
    from finetune.rewrites import read_rewrites
    from models.resolve import generator_torch_folder

    models = section(config, "models", ModelsConfig).model_copy(update={"generator_adapter": ""})
    read = [item for path in rows for item in read_rewrites(path)]
    say(f"{len(read)} follow-up questions")
    base, settings = generator_torch_folder(models), settings_of(config, method)
    sources = [str(path) for path in rows]
    train(
        lambda told: task(base, read, sources, general_pairs(general), settings, folder, told),
        models, as_json,
    )  # fmt: skip
