"""What the commands of the evaluation share: options, progress, tables, models."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from models.terminal import out

if TYPE_CHECKING:
    from bot.parts import Parts
    from evaluation.baseline import Naive
    from evaluation.overlap import Baselines
    from guards.guard import Guard
    from retrieval.retriever import Retriever

Row = dict[str, Any]
T = TypeVar("T")
Questions = Annotated[Path, typer.Option("--questions", help="A question set, JSONL.")]
Index = Annotated[
    Path | None,
    typer.Option("--index", help="The index folder; else retrieval.index."),
]
Config = Annotated[Path | None, typer.Option("--config", help="truepenny.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many rows, evenly spread.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Writes the rows as JSONL, as they come.")]
Inputs = Annotated[
    list[Path], typer.Option("--input", help="JSONL of {evidence, claim, supported, source?}.")
]
More = Annotated[list[Path] | None, typer.Argument(help="Further files of --input.")]
CacheFile = Annotated[
    Path | None,
    typer.Option("--cache", help="Keeps each result by content; a run that was killed goes on."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Threads; the result is the same.")]


Ray = Annotated[
    str | None,
    typer.Option("--ray", help="A Ray cluster's address, or local; the result is the same."),
]


def collect(rows: Iterable[T], total: int, what: str, file: Path | None) -> list[T]:
    """Takes the rows in with a progress bar, writing each at once, so that none is lost."""
    from rich.progress import track

    found = []
    with _sink(file) as write:
        for row in track(rows, description=what, total=total, console=console()):
            write(row)
            found.append(row)
    return found


@contextmanager
def _sink(file: Path | None) -> Iterator[Callable[[Any], object]]:
    if file is None:
        yield lambda row: None
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", buffering=1) as lines:
        yield lambda row: lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def load_retriever(config: Path | None, index: Path | None) -> "Retriever":
    """As `bot.parts` makes it, but without loading the generator."""
    from guards.verifier import load_verifier
    from models.config import ModelsConfig, section
    from retrieval.embedder import load_embedder
    from retrieval.index import open_index
    from retrieval.retriever import RetrievalConfig, Retriever

    models = section(config, "models", ModelsConfig)
    settings = section(config, "retrieval", RetrievalConfig)
    embedder = load_embedder(models)
    opened = open_index(index or Path(settings.index), embedder.name)
    return Retriever(opened, embedder, load_verifier(models), settings)


def load_guard(config: Path | None) -> "Guard":
    """The guard that serves."""
    from guards import guard
    from models.config import ModelsConfig, section

    settings = section(config, "guards", guard.GuardsConfig)
    return guard.load_guard(section(config, "models", ModelsConfig), settings)


def load_baselines(config: Path | None) -> "Baselines":
    """What `eval guard` is compared with."""
    from evaluation import overlap
    from models.config import ModelsConfig, section

    return overlap.load_baselines(section(config, "models", ModelsConfig))


def load_ray(address: str | None, make: Callable[[], Any]) -> Any:
    """For the runner: on that cluster, or None for this process."""
    if address is None:
        return None
    from evaluation.cluster import on_ray

    return on_ray(address, make)


def load_naive(parts: "Parts", config: Path | None) -> "Naive":
    """On the configured generator, loaded here if the bot drafts nothing itself."""
    from bot.generator import load_generator
    from bot.policy import BotConfig
    from evaluation.baseline import MAX_TOKENS, Naive
    from models.config import ModelsConfig, section

    generator = parts["generator"]
    if generator is None:
        models = section(config, "models", ModelsConfig)
        name = section(config, "bot", BotConfig).generator
        generator = load_generator(name, models, max_tokens=MAX_TOKENS)
    return Naive(parts["retriever"], generator)


def tokenizer(config: Path | None) -> Path:
    """The verifier's tokenizer.json."""
    from models.config import ModelsConfig, section
    from models.encoder import verifier_onnx

    return verifier_onnx(section(config, "models", ModelsConfig)) / "tokenizer.json"


def artefact_path(config: Path | None) -> Path:
    """Never the packaged artefact, unless it is named."""
    from guards.guard import GuardsConfig
    from models.config import section

    name = section(config, "guards", GuardsConfig).thresholds
    return Path("var/thresholds.json") if name == "default" else Path(name)


def console() -> Any:
    """Rich's, on stderr."""
    from rich.console import Console

    return Console(stderr=True)


def show(result: Row, as_json: bool, tables: Callable[[Row], list[list[list[str]]]]) -> None:
    """JSON on stdout, or tables (each a list of rows, the first its header) on stderr."""
    if as_json:
        return out(result)
    from rich.markup import escape
    from rich.table import Table

    for header, *body in tables(result):
        table = Table(*map(escape, header))
        for cells in body:
            table.add_row(*map(escape, cells))
        console().print(table)
    return None
