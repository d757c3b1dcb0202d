"""The commands `truepenny train generator | embedder | intents | encoder | export`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finetune.config import FinetuneConfig, Method
from models.config import ModelsConfig, section
from models.errors import ConfigError
from models.terminal import explained, out, say

if TYPE_CHECKING:
    from finetune.dataset.build import Dataset
    from finetune.dataset.types import Judge
    from finetune.run import Task
    from retrieval.types import Article

OnStep = Callable[[int, int, float], None]
Articles = Annotated[
    list[Path] | None, typer.Option("--articles", help="A help centre: what `index` reads.")
]
Questions = Annotated[
    list[Path] | None, typer.Option("--qa", help="Questions with answers: JSONL, JSON or CSV.")
]
Conversations = Annotated[
    list[Path] | None,
    typer.Option("--conversations", help="Past conversations: Zendesk, Chatwoot, or turns."),
]
General = Annotated[
    Path | None, typer.Option("--general", help="Rows {question, answer} not to be forgotten.")
]
Out = Annotated[Path, typer.Option("--out", help="Where the result is written.")]
Way = Annotated[Method | None, typer.Option("--method", help="Stands for [finetune] method.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the data card, train nothing.")]
Config = Annotated[Path | None, typer.Option("--config", help="truepenny.toml")]
Json = Annotated[bool, typer.Option("--json", help="The run's summary on stdout.")]


@explained
def generator(
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
    """Trains the model that drafts answers; answers that the guard rejects are left out.

    Example: truepenny train generator --articles help/ --qa faq.csv --out var/generator
    """
    from finetune.generator import task
    from models.resolve import generator_torch_folder

    settings = _settings(config, method)
    dataset, sources = _dataset(config, settings, articles, qa, conversations)
    if dry_run:
        return _show_card(dataset, sources, as_json)
    models = section(config, "models", ModelsConfig).model_copy(update={"generator_adapter": ""})
    base = generator_torch_folder(models)
    return _train(
        lambda told: task(base, dataset, sources, _general(general), settings, folder, told),
        models, as_json,
    )  # fmt: skip


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

    settings = _settings(config, method)
    dataset, sources = _dataset(config, settings, articles, qa, conversations)
    if dry_run:
        return _show_card(dataset, sources, as_json)
    models = section(config, "models", ModelsConfig)
    base = embedder_folder(models)
    return _train(
        lambda told: task(base, dataset, sources, _general(general), settings, folder, told),
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
    base, settings = embedder_folder(models), _settings(config, method)
    _train(
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

    models, read = section(config, "models", ModelsConfig), _articles(articles)
    base, settings = embedder_folder(models), _settings(config, method)
    sources = [str(path) for path in articles or ()]
    _train(
        lambda told: task(base, read, sources, _general(general), settings, folder, told),
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


def _settings(config: Path | None, method: Method | None) -> FinetuneConfig:
    settings = section(config, "finetune", FinetuneConfig)
    return settings.model_copy(update={"method": method}) if method else settings


def _dataset(
    config: Path | None,
    settings: FinetuneConfig,
    articles: Sequence[Path] | None,
    qa: Sequence[Path] | None,
    conversations: Sequence[Path] | None,
) -> tuple["Dataset", list[str]]:
    """Reads everything and builds the data set; the guard and the embedder are as configured."""
    from finetune.dataset.build import build
    from finetune.dataset.exchanges import from_articles, read_exchanges, read_past
    from retrieval.embedder import load_embedder

    if not (articles or qa or conversations):
        raise ConfigError("nothing to train on; give --articles, --qa or --conversations")
    read = _articles(articles) if articles else []
    exchanges = [item for path in qa or () for item in read_exchanges(path)]
    exchanges += [item for path in conversations or () for item in read_past(path)]
    exchanges += from_articles(read)
    embedder = load_embedder(section(config, "models", ModelsConfig))
    say(f"{len(read)} articles, {len(exchanges)} questions with answers; asking the guard")
    dataset = build(
        exchanges, read, embed=embedder.embed, judge=_judge(config), config=settings
    )  # fmt: skip
    sources = [str(path) for paths in (articles, qa, conversations) for path in paths or ()]
    return dataset, sources


def _articles(sources: Sequence[Path] | None) -> "list[Article]":
    from retrieval.sources import read_all

    if not sources:
        raise ConfigError("no help centre given; name its folder with --articles")
    reading = read_all(sources)
    for item in reading.skipped:
        say(f"skipped {item.source}: {item.reason}")
    return list(reading.articles)


def _judge(config: Path | None) -> "Judge":
    from guards.guard import GuardsConfig, load_guard

    models = section(config, "models", ModelsConfig)
    guard = load_guard(models, section(config, "guards", GuardsConfig))
    return lambda answer, passages, question: (
        guard.review(answer, passages, question).status == "supported"
    )


def _general(path: Path | None) -> list[tuple[str, str]]:
    from finetune.general import read_general

    return read_general(path)


def _show_card(dataset: "Dataset", sources: Sequence[str], as_json: bool) -> None:
    from finetune.dataset.card import card_markdown, data_card

    card = data_card(dataset, sources)
    if as_json:
        out(card)
    say(card_markdown(card))


def _train(prepare: "Callable[[OnStep], Task]", models: ModelsConfig, as_json: bool) -> None:
    """Runs a task with a progress bar; a failed check is exit 1."""
    import torch

    from finetune.run import execute
    from models.genai import available_threads

    torch.set_num_threads(available_threads(models))
    with _progress() as told:
        summary = execute(prepare(told))
    if as_json:
        out(summary)
    _report(summary)
    if not summary["passed"]:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[OnStep]:
    """A bar with the time left, on a terminal alone."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn(),
               TextColumn("loss {task.fields[loss]:.3f}"))  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        row = bar.add_task("training", total=None, loss=0.0)

        def told(done: int, steps: int, loss: float) -> None:
            bar.update(row, completed=done, total=steps, loss=loss)

        yield told


def _report(summary: dict[str, Any]) -> None:
    share = summary["trainable"] / summary["parameters"]
    say(
        f"{summary['steps']} of {summary['planned_steps']} steps, {share:.2%} of the parameters; "
        f"held-out loss {summary['before']['held_loss']} -> {summary['after']['held_loss']}"
    )
    for check in summary["checks"]:
        state = "passed" if check["passed"] else "FAILED"
        say(f"{state}: {check['name']} {check['value']} (limit {check['limit']})")
