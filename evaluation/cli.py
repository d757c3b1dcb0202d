"""`truepenny eval retrieval | answers | guard | calibrate | faithfulness`."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.terminal import explained, out, say

if TYPE_CHECKING:
    from bot.parts import Parts
    from evaluation.baseline import Naive
    from guards.guard import Guard
    from retrieval.retriever import Retriever

app = typer.Typer(name="eval", help="Offline evaluation, with intervals.", no_args_is_help=True)

Row = dict[str, Any]
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


@app.command()
@explained
def retrieval(
    questions: Questions,
    index: Index = None,
    config: Config = None,
    as_json: AsJson = False,
    limit: Limit = None,
    out_file: Out = None,
) -> None:
    """Measures which articles are found: dense search, then each further signal added.

    Example: truepenny eval retrieval --questions examples/questions/shop.jsonl --index var/shop
    """
    from evaluation import questions as sets
    from evaluation import retrieval as room

    asked = sets.load(questions, limit)
    usable = room.usable(asked)
    if not usable:
        raise sets.InputError(f"{questions} has no answerable question that lists its articles")
    found = _collect(
        room.rows(usable, _retriever(config, index)), len(usable), "searching", out_file
    )
    result = {**room.summary(found), "skipped": len(asked) - len(usable)}
    _show(result, as_json, room.tables)


@app.command()
@explained
def answers(
    questions: Questions,
    index: Index = None,
    config: Config = None,
    as_json: AsJson = False,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="naive: plain RAG, asked in the same run.")
    ] = None,
    limit: Limit = None,
    out_file: Out = None,
) -> None:
    """Asks a question set and tells right, declined, beside and wrong replies apart.

    Example: truepenny eval answers --questions examples/questions/shop.jsonl --baseline naive
    """
    if baseline not in (None, "naive"):
        raise typer.BadParameter(f"unknown baseline {baseline!r}; there is: naive")
    from evaluation import answers as room
    from evaluation import questions as sets

    asked = sets.load(questions, limit)
    from bot.parts import load  # seconds, so only for a good question set

    parts = load(config, index)
    others = {"naive": _naive(parts, config)} if baseline else {}
    found = _collect(room.rows(asked, parts, others), len(asked), "asking", out_file)
    _show(room.summary(found), as_json, room.tables)


@app.command()
@explained
def guard(
    inputs: Inputs,
    more: More = None,
    config: Config = None,
    as_json: AsJson = False,
    limit: Limit = None,
    out_file: Out = None,
) -> None:
    """Measures the guard on labelled claims, a file at a time: AUC, catch rate, false alarms.

    Example: truepenny eval guard --input dev/*.jsonl
    """
    from evaluation import guard as room
    from evaluation.questions import spread

    given = {str(path): spread(room.load(path), limit) for path in [*inputs, *(more or [])]}
    checker = _guard(config)
    every = [row for rows in given.values() for row in rows]
    found = _collect(room.rows(every, checker), len(every), "checking", out_file)
    files = {
        name: room.summary([row for row in found if row["file"] == name], checker) for name in given
    }
    _show({"files": files}, as_json, room.tables)


@app.command()
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
    checker = _guard(config)
    found = _collect(judged.rows(given, checker), len(given), "checking", None)
    result = room.calibrate(found, risk=risk, confidence=confidence)
    if result is None:
        least = room.least_accepted(len(found), risk, confidence)
        say(
            f"Error: no threshold keeps the risk at {risk:g} with confidence {confidence:g} on "
            f"{len(found)} claims (at least {least} must be accepted); give more claims or a "
            "higher --risk. Nothing was written."
        )
        raise typer.Exit(1)
    thresholds = room.artefact(checker, result, files, _tokenizer(config))
    path = out_file or _artefact_path(config)
    room.write(thresholds, path)
    _show(json.loads(path.read_text(encoding="utf-8")), as_json, room.tables)
    say(f'Written to {path}; [guards] thresholds = "{path}" makes it the one that serves.')


@app.command("calibrate-answers")
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
    checker = _guard(config)
    rows = []
    for index, _, questions in pairs:
        asked = loaded.load(Path(questions))
        measured = room.rows(asked, _retriever(config, Path(index)), checker)
        rows += _collect(measured, len(asked), f"asking {questions}", None)
    thresholds = room.artefact(checker, rows, declined, [Path(q) for _, _, q in pairs])
    path = out_file or _artefact_path(config)
    write(thresholds, path)
    _show(json.loads(path.read_text(encoding="utf-8")), as_json, room.tables)
    say(f"Written to {path}")


@app.command()
@explained
def faithfulness(
    file: Annotated[Path, typer.Option("--input", help="JSONL: {question, answer, passages}.")],
    config: Config = None,
    as_json: AsJson = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
) -> None:
    """Scores any system's answers: the metrics, then a line a row. Exits with 1 if a row failed.

    Example: truepenny eval faithfulness --input answers.jsonl --json
    """
    from evaluation import faithfulness as room

    lines = room.load(file, limit)
    checker = _guard(config)
    found = _collect(room.rows(lines, checker, str(file)), len(lines), "checking", None)
    result = room.summary(found, checker)
    _show(result, as_json, room.tables)
    for row in found:
        if as_json:
            out(row)
        else:
            say(f"{row['line']:>6} {row.get('error') or row['status']}")
    if result["failed"]:
        say(f"{result['failed']} of {result['rows']} rows could not be scored.")
        raise typer.Exit(1)


def _collect(rows: Iterable[Row], total: int, what: str, file: Path | None) -> list[Row]:
    """Takes the rows in with a progress bar, writing each at once, so that none is lost."""
    from rich.progress import track

    found = []
    with _sink(file) as write:
        for row in track(rows, description=what, total=total, console=_console()):
            write(row)
            found.append(row)
    return found


@contextmanager
def _sink(file: Path | None) -> Iterator[Callable[[Row], object]]:
    if file is None:
        yield lambda row: None
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", buffering=1) as lines:
        yield lambda row: lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def _retriever(config: Path | None, index: Path | None) -> "Retriever":
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


def _guard(config: Path | None) -> "Guard":
    from guards.guard import GuardsConfig, load_guard
    from models.config import ModelsConfig, section

    guards = section(config, "guards", GuardsConfig)
    return load_guard(section(config, "models", ModelsConfig), guards)


def _naive(parts: "Parts", config: Path | None) -> "Naive":
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


def _tokenizer(config: Path | None) -> Path:
    from models.config import ModelsConfig, section
    from models.encoder import verifier_onnx

    return verifier_onnx(section(config, "models", ModelsConfig)) / "tokenizer.json"


def _artefact_path(config: Path | None) -> Path:
    """Never the packaged artefact, unless it is named."""
    from guards.guard import GuardsConfig
    from models.config import section

    name = section(config, "guards", GuardsConfig).thresholds
    return Path("var/thresholds.json") if name == "default" else Path(name)


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _show(result: Row, as_json: bool, tables: Callable[[Row], list[list[list[str]]]]) -> None:
    """JSON on stdout, or tables (each a list of rows, the first its header) on stderr."""
    if as_json:
        return out(result)
    from rich.markup import escape
    from rich.table import Table

    for header, *body in tables(result):
        table = Table(*map(escape, header))
        for cells in body:
            table.add_row(*map(escape, cells))
        _console().print(table)
    return None
