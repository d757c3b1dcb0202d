"""`truepenny eval retrieval | answers | guard | faithfulness`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.cli_shared import (
    AsJson,
    CacheFile,
    Config,
    Index,
    Inputs,
    Limit,
    More,
    Out,
    Questions,
    Ray,
    Row,
    Workers,
    collect,
    load_baselines,
    load_guard,
    load_naive,
    load_ray,
    load_retriever,
    show,
)
from models.terminal import explained, out, say


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
    found = collect(
        room.rows(usable, load_retriever(config, index)), len(usable), "searching", out_file
    )
    result = {**room.summary(found), "skipped": len(asked) - len(usable)}
    show(result, as_json, room.tables)


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
    cache: CacheFile = None,
    out_file: Out = None,
) -> None:
    """Asks a question set and tells right, declined, beside and wrong replies apart.

    Example: truepenny eval answers --questions examples/questions/shop.jsonl --baseline naive
    """
    if baseline not in (None, "naive"):
        raise typer.BadParameter(f"unknown baseline {baseline!r}; there is: naive")
    from evaluation import answers as room
    from evaluation import questions as sets
    from evaluation.runner import Cache, content_key, run

    asked = sets.load(questions, limit)
    from bot.parts import load  # seconds, so only for a good question set

    parts = load(config, index)
    others = {"naive": load_naive(parts, config)} if baseline else {}
    versions = (parts["retriever"].version, parts["guard"].version, sorted(others))
    made = run(
        asked,
        lambda chunk: room.rows(chunk, parts, others),
        lambda question: content_key("answers", versions, asdict(question)),
        Cache(cache),
        chunk=1,
    )
    found = collect(made, len(asked), "asking", out_file)
    show(room.summary(found), as_json, room.tables)


@explained
def guard(
    inputs: Inputs,
    more: More = None,
    config: Config = None,
    as_json: AsJson = False,
    limit: Limit = None,
    cache: CacheFile = None,
    workers: Workers = 1,
    ray: Ray = None,
    out_file: Out = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Also ROUGE-L, embedding and token similarity, beside."),
    ] = False,
) -> None:
    """Measures the guard on labelled claims, a file at a time: AUC, catch rate, false alarms.

    Example: truepenny eval guard --input dev/*.jsonl
    """
    from evaluation import guard as room
    from evaluation.questions import spread
    from evaluation.runner import Cache, content_key, run

    given = {str(path): spread(room.load(path), limit) for path in [*inputs, *(more or [])]}
    checker = load_guard(config)
    others = load_baselines(config) if baselines else None
    beside = [others.version] if others else []
    every = [row for rows in given.values() for row in rows]
    made = run(
        every,
        lambda chunk: room.rows(chunk, checker, others),
        lambda row: content_key("guard", checker.version, row, *beside),
        Cache(cache),
        workers,
        spread=load_ray(ray, partial(_guard_work, config, baselines)),
    )
    found = collect(made, len(every), "checking", out_file)
    files = {
        name: room.summary([row for row in found if row["file"] == name], checker) for name in given
    }
    show({"files": files}, as_json, room.tables)


@explained
def faithfulness(
    file: Annotated[
        Path,
        typer.Option(
            "--input",
            help="JSONL, JSON or CSV of {question, answer, passages}; ragas', DeepEval's.",
        ),
    ],
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="OURS=THEIRS, such as answer=reply; may be repeated."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    cache: CacheFile = None,
    workers: Workers = 1,
    ray: Ray = None,
    out_file: Out = None,
) -> None:
    """Scores any system's answers: the metrics, then a line a row. Exits with 1 if a row failed.

    Example: truepenny eval faithfulness --input answers.jsonl --json
    """
    from evaluation import faithfulness as room
    from evaluation.inputs import columns
    from evaluation.runner import Cache, content_key, run

    mapped = columns(column or [])
    lines = room.load(file, limit)
    checker = room.patient(load_guard(config))
    make = partial(_faithfulness_work, config, str(file), mapped)
    made = run(
        lines,
        lambda chunk: room.rows(chunk, checker, str(file), mapped),
        lambda line: content_key("faithfulness", checker.version, mapped, line.row),
        Cache(cache),
        workers,
        spread=load_ray(ray, make),
    )
    named = ({**row, **room.names(lines[n], mapped)} for n, row in enumerate(made))
    found = collect(named, len(lines), "checking", out_file)
    result = room.summary(found, checker)
    show(result, as_json, room.tables)
    for row in found:
        if as_json:
            out(row)
        else:
            say(f"{row['line']:>6} {row.get('error') or row['status']}")
    if result["failed"]:
        say(f"{result['failed']} of {result['rows']} rows could not be scored.")
        raise typer.Exit(1)


def _faithfulness_work(
    config: Path | None, name: str, mapped: dict[str, str]
) -> Callable[[Sequence[Any]], Iterable[Row]]:
    """The scorer, made where the work is done."""
    from evaluation import faithfulness as room

    checker = room.patient(load_guard(config))
    return lambda chunk: room.rows(chunk, checker, name, mapped)


def _guard_work(config: Path | None, baselines: bool) -> Callable[[Sequence[Any]], Iterable[Row]]:
    from evaluation import guard as room

    checker, others = load_guard(config), load_baselines(config) if baselines else None
    return lambda chunk: room.rows(chunk, checker, others)
