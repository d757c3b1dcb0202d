"""The commands `truepenny train generator | embedder | intents | encoder | export`."""

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
    promoted,
    read_articles,
    read_dataset,
    settings_of,
    show_card,
    train,
)
from models.config import ModelsConfig, section
from models.errors import ConfigError
from models.terminal import explained, out, say


@explained
def generator(
    context: typer.Context,
    folder: Out,
    articles: Articles = None,
    qa: Questions = None,
    conversations: Conversations = None,
    general: General = None,
    method: Way = None,
    dry_run: DryRun = False,
    promote: Promote = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trains the model that drafts answers; answers that the guard rejects are left out.

    Example: truepenny train generator --articles help/ --qa faq.csv --out var/generator
    """
    from finetune.generator import task
    from models.resolve import generator_torch_folder

    settings = settings_of(config, method)
    dataset, sources = read_dataset(config, settings, articles, qa, conversations)
    if dry_run:
        return show_card(dataset, sources, as_json)
    models = section(config, "models", ModelsConfig).model_copy(update={"generator_adapter": ""})
    base = generator_torch_folder(models)
    train(
        lambda told: task(base, dataset, sources, general_pairs(general), settings, folder, told),
        models, as_json,
    )  # fmt: skip
    return promoted(context, folder, promote, config)


@explained
def embedder(
    folder: Out,
    articles: Articles = None,
    qa: Questions = None,
    conversations: Conversations = None,
    general: General = None,
    method: Way = None,
    dry_run: DryRun = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trains the model that finds passages, on questions and what answers them.

    Example: truepenny train embedder --articles help/ --qa faq.csv --out var/embedder
    """
    from finetune.embedder import task
    from models.resolve import embedder_folder

    settings = settings_of(config, method)
    dataset, sources = read_dataset(config, settings, articles, qa, conversations)
    if dry_run:
        return show_card(dataset, sources, as_json)
    models = section(config, "models", ModelsConfig)
    base = embedder_folder(models)
    return train(
        lambda told: task(base, dataset, sources, general_pairs(general), settings, folder, told),
        models, as_json,
    )  # fmt: skip


@explained
def intents(
    rows: Annotated[Path, typer.Option("--rows", help="Rows of text and intent: JSONL or CSV.")],
    folder: Out,
    method: Way = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trains a classifier of intents on the embedder's encoder.

    Example: truepenny train intents --rows intents.csv --out var/intents
    """
    from finetune.intents import read_intents, task
    from models.resolve import embedder_folder

    models, read = section(config, "models", ModelsConfig), read_intents(rows)
    base, settings = embedder_folder(models), settings_of(config, method)
    train(
        lambda told: task(base, read, [str(rows)], settings, folder, told), models, as_json
    )  # fmt: skip


@explained
def encoder(
    folder: Out,
    articles: Articles = None,
    general: General = None,
    method: Way = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trains the embedder's encoder to guess hidden words of the help centre.

    Example: truepenny train encoder --articles help/ --out var/encoder
    """
    from finetune.encoder import task
    from models.resolve import embedder_folder

    models, read = section(config, "models", ModelsConfig), read_articles(articles)
    base, settings = embedder_folder(models), settings_of(config, method)
    sources = [str(path) for path in articles or ()]
    train(
        lambda told: task(base, read, sources, general_pairs(general), settings, folder, told),
        models, as_json,
    )  # fmt: skip


@explained
def export(
    adapter: Annotated[Path, typer.Argument(help="A folder that `train generator` wrote.")],
    folder: Out,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Merges a generator's LoRA adapter into its base and saves the whole as safetensors.

    Serving needs no export: `[models] generator_adapter` merges by itself.

    Example: truepenny train export var/generator --out var/merged
    """
    from models.merging import adapter_folder, merge
    from models.resolve import generator_torch_folder

    models = section(config, "models", ModelsConfig).model_copy(update={"generator_adapter": ""})
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} isn't empty; give a fresh folder as --out")
    folder.mkdir(parents=True, exist_ok=True)
    facts = merge(generator_torch_folder(models), adapter_folder(str(adapter)), folder)
    if as_json:
        out({"folder": str(folder), **facts})
    say(f"wrote {folder}; use it as [models] generator")
