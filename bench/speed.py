"""Speed and memory of the whole, each figure beside the naive pipeline's in the same run.

    python -m bench.speed --help-centre examples/helpcentre \
        --questions examples/questions/shop.jsonl --limit 40 --gate

The naive pipeline is `evaluation.baseline.Naive`: three chunks by dense search, one prompt, no
checks. For retrieval and replies it is given our embedder, so that these ratios aren't about the
engine. Starts are warm ones: the weights are built and in the page cache.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.figures import BenchError, Figure, failures, figures_json, table
from models.config import ModelsConfig, section
from models.terminal import explained, out, say

if TYPE_CHECKING:
    from bot.parts import Parts
    from evaluation.questions import Question

PARTS = ("index", "retrieval", "replies", "serve")
MEMORY_QUESTIONS = 10
WARM_UP = ("How do I get in touch with you?", "What happens when something goes wrong?")


@explained
def speed(
    centre: Annotated[Path, typer.Option("--help-centre", help="Folder to index.")],
    questions: Annotated[Path, typer.Option("--questions", help="A question set, JSONL.")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many questions.")] = 40,
    only: Annotated[
        list[str] | None, typer.Option("--only", help=f"Of {', '.join(PARTS)}; all by default.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 1 if a target is missed.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="truepenny.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Measures indexing, retrieval, replies, start and memory beside the naive pipeline."""
    wanted = only or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        raise typer.BadParameter(f"unknown {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    if not centre.is_dir():
        raise typer.BadParameter(f"{centre} is no folder")
    from bench.machine import about, line
    from evaluation.questions import load

    machine = about()
    say(line(machine))
    asked = _unlike(load(questions, limit))
    with tempfile.TemporaryDirectory(prefix="truepenny-bench-") as work:
        figures, counts = _measured(wanted, centre, asked, config, Path(work))
    _print(figures)
    failed = failures(figures) if gate else []
    if as_json:
        out({"machine": machine, "help_centre": str(centre), "questions": str(questions),
             "counts": counts, "figures": figures_json(figures), "failed": failed})  # fmt: skip
    for sentence in failed:
        say(sentence)
    if failed:
        raise typer.Exit(1)


def _measured(
    wanted: Sequence[str],
    centre: Path,
    asked: Sequence["Question"],
    config: Path | None,
    work: Path,
) -> tuple[list[Figure], dict[str, Any]]:
    """The wanted parts, in order; the index is always built, since the others need it."""
    from bench import indexing

    models = section(config, "models", ModelsConfig)
    say("indexing ...")
    figures, counts = indexing.measure(centre, models, work)
    figures = figures if "index" in wanted else []
    index = work / "index"
    if "retrieval" in wanted or "replies" in wanted:
        from bot.parts import load

        parts = load(config, index)
        if "retrieval" in wanted:
            figures += _retrieval(asked, parts)
        if "replies" in wanted:
            found, more = _replies(asked, parts, config)
            figures, counts = figures + found, {**counts, **more}
    if "serve" in wanted:
        figures += _serve(asked, index, config)
    return figures, {**counts, "questions": len(asked)}


def _retrieval(asked: Sequence["Question"], parts: "Parts") -> list[Figure]:
    """Milliseconds of a search, with the reranker and without."""
    from bot.understanding import standalone
    from evaluation.baseline import CHUNKS, nearest
    from retrieval.retriever import Retriever

    say("searching ...")
    full = parts["retriever"]
    plain = full.config.model_copy(update={"candidates": 0})

    def fresh(config: Any) -> Retriever:  # a retriever remembers the vectors of its queries
        return Retriever(full.index, full.embedder, full.reranker, config)

    searches: dict[str, Callable[[str], object]] = {
        "retrieval": fresh(full.config).search,
        "retrieval_unranked": fresh(plain).search,
        "naive": lambda query: nearest(full, query, CHUNKS),
    }
    spent: dict[str, list[float]] = {name: [] for name in searches}
    for search in searches.values():
        for text in WARM_UP:
            search(text)
    for question in asked:
        query = standalone(question.question, question.state())
        for name, search in searches.items():
            began = time.perf_counter()
            search(query)
            spent[name].append((time.perf_counter() - began) * 1000)
    return [
        figure
        for name in ("retrieval", "retrieval_unranked")
        for figure in _percentiles(name, spent[name], spent["naive"])
    ]


def _replies(
    asked: Sequence["Question"], parts: "Parts", config: Path | None
) -> tuple[list[Figure], dict[str, Any]]:
    """Milliseconds of verified replies; over the questions that we answered, for both systems.

    The naive reply comes whole, so its first sentence is there when all of it is.
    """
    from rich.console import Console
    from rich.progress import track

    from bot.answer import answer
    from evaluation.questions import Question

    naive = _naive(parts, config)
    for number, text in enumerate(WARM_UP):
        question = Question(id=f"warm-{number}", question=text)
        answer(question.question, question.state(), **parts)
        naive(question)
    pairs = []
    for question in track(asked, description="asking", console=Console(stderr=True)):
        reply = answer(question.question, question.state(), **parts)
        theirs = naive(question)
        if reply.action == "answer":
            pairs.append((reply.timings, theirs.timings))
    ours = [mine["total_ms"] for mine, _ in pairs]
    theirs_ms = [other["total_ms"] for _, other in pairs]
    first = [mine["first_sentence_ms"] for mine, _ in pairs]
    verify = sum(mine.get("verify_ms", 0.0) for mine, _ in pairs)
    share = verify / sum(ours) if ours else None
    figures = [
        *_percentiles("first_sentence", first, theirs_ms),
        *_percentiles("reply", ours, theirs_ms),
        Figure(name="verify_share", unit="", ours=share),
    ]
    return figures, {"answered": len(pairs)}


def _serve(asked: Sequence["Question"], index: Path, config: Path | None) -> list[Figure]:
    """Seconds until ready and resident memory, of real processes one after the other."""
    import json

    from bench import process

    say("starting the service ...")
    texts = [question.question for question in asked[:MEMORY_QUESTIONS]]
    ours = process.serve(index, config, texts)
    version = (index / "CURRENT").read_text(encoding="utf-8").strip()
    manifest = json.loads((index / version / "manifest.json").read_text(encoding="utf-8"))
    theirs = process.naive(index, manifest["embedder"], config, texts)
    memory = [found.rss_bytes / 1e9 for found in (ours, theirs)]
    return [
        Figure(name="serve_start", unit="s", ours=ours.start_s, naive=theirs.start_s),
        Figure(name="serve_rss", unit="GB", ours=memory[0], naive=memory[1]),
    ]


def _naive(parts: "Parts", config: Path | None) -> Any:
    """On the bot's generator, loaded here if the bot drafts nothing itself."""
    from bot.generator import load_generator
    from bot.policy import BotConfig
    from evaluation.baseline import MAX_TOKENS, Naive

    generator = parts["generator"] or load_generator(
        section(config, "bot", BotConfig).generator,
        section(config, "models", ModelsConfig),
        max_tokens=MAX_TOKENS,
    )
    return Naive(parts["retriever"], generator)


def _unlike(asked: Sequence["Question"]) -> list["Question"]:
    """Each question once: a second one would be answered from caches."""
    found = list({(q.question, q.history): q for q in asked}.values())
    if not found:
        raise BenchError("no questions to ask")
    return found


def _percentiles(name: str, ours: Sequence[float], naive: Sequence[float]) -> list[Figure]:
    from evaluation.statistics import percentiles

    mine, theirs = percentiles(ours), percentiles(naive)
    return [
        Figure(name=f"{name}_{key}", unit="ms", ours=mine[key], naive=theirs[key])
        for key in ("p50", "p95")
    ]


def _print(figures: Sequence[Figure]) -> None:
    from rich.console import Console
    from rich.table import Table

    header, *rows = table(figures)
    shown = Table(*header)
    for row in rows:
        shown.add_row(*row)
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    typer.run(speed)
    sys.exit(0)
