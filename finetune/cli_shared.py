"""What the commands of the fine-tuning share: options, reading, training with a progress bar."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finetune.config import FinetuneConfig, Method
from models.config import ModelsConfig, section
from models.errors import ConfigError
from models.terminal import out, say

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
Promote = Annotated[
    Path | None,
    typer.Option(
        "--promote", help="A question set: registers the adapter if it is proven better on it."
    ),
]
Config = Annotated[Path | None, typer.Option("--config", help="truepenny.toml")]
Json = Annotated[bool, typer.Option("--json", help="The run's summary on stdout.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """What a room that may not be imported from here does for us; `truepenny.py` hands it in.

    `promote` measures (adapter folder, question set, configuration) and says whether the adapter
    was let into the registry.
    """

    promote: Callable[[Path, Path, Path | None], bool]


def promoted(
    context: typer.Context, folder: Path, questions: Path | None, config: Path | None
) -> None:
    """Asks the gate to let an adapter in, where `--promote` is given; a refusal is exit 1."""
    if questions is not None and _first():
        above = context.find_object(Above)
        assert above is not None
        if not above.promote(folder, questions, config):
            raise typer.Exit(1)


def settings_of(config: Path | None, method: Method | None) -> FinetuneConfig:
    """The section, with the method of the command line."""
    settings = section(config, "finetune", FinetuneConfig)
    return settings.model_copy(update={"method": method}) if method else settings


def read_dataset(
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
    read = read_articles(articles) if articles else []
    exchanges = [item for path in qa or () for item in read_exchanges(path)]
    exchanges += [item for path in conversations or () for item in read_past(path)]
    exchanges += from_articles(read)
    embedder = load_embedder(section(config, "models", ModelsConfig))
    say(f"{len(read)} articles, {len(exchanges)} questions with answers; asking the guard")
    dataset = build(
        exchanges, read, embed=embedder.embed, judge=judge_of(config), config=settings
    )  # fmt: skip
    sources = [str(path) for paths in (articles, qa, conversations) for path in paths or ()]
    return dataset, sources


def read_articles(sources: Sequence[Path] | None) -> "list[Article]":
    """Reads a help centre, saying what was skipped."""
    from retrieval.sources import read_all

    if not sources:
        raise ConfigError("no help centre given; name its folder with --articles")
    reading = read_all(sources)
    for item in reading.skipped:
        say(f"skipped {item.source}: {item.reason}")
    return list(reading.articles)


def judge_of(config: Path | None) -> "Judge":
    """The guard, as the judge of answers."""
    from guards.guard import GuardsConfig, load_guard

    models = section(config, "models", ModelsConfig)
    guard = load_guard(models, section(config, "guards", GuardsConfig))
    return lambda answer, passages, question: (
        guard.review(answer, passages, question).status == "supported"
    )


def general_pairs(path: Path | None) -> list[tuple[str, str]]:
    """The rows of `--general`, or the packaged ones."""
    from finetune.general import read_general

    return read_general(path)


def show_card(dataset: "Dataset", sources: Sequence[str], as_json: bool) -> None:
    """Prints the data card."""
    from finetune.dataset.card import card_markdown, data_card

    card = data_card(dataset, sources)
    if as_json:
        out(card)
    say(card_markdown(card))


def train(prepare: "Callable[[OnStep], Task]", models: ModelsConfig, as_json: bool) -> None:
    """Runs a task with a progress bar; a failed check is exit 1."""
    import torch

    from finetune.run import execute
    from models.genai import available_threads

    torch.set_num_threads(available_threads(models))
    with _progress() as told:
        summary = execute(prepare(told))
    if as_json and _first():
        out(summary)
    if _first():
        _report(summary)
    if not summary["passed"]:
        raise typer.Exit(1)


def _first() -> bool:
    """Whether this is the one of several processes that speaks."""
    from finetune.processes import Processes

    return Processes.joined().first


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
