"""The five methods on the same examples and the same steps: size, memory, time, loss, forgetting.

Each method is trained in a process of its own, so that its peak memory is its own. Batches have
the same rows for every method, and nothing stops early, so the budget is the same.

    python -m bench.methods --qa faq.jsonl --articles help --examples 2000 --out var/methods.json
    python -m bench.methods --rewrites canard.jsonl --examples 400 --only lora --only prompt
"""

import argparse
import json
import math
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from finetune.config import FinetuneConfig, Method

if TYPE_CHECKING:
    from finetune.run import Task

METHODS: tuple[Method, ...] = get_args(Method)
NEVER = 1_000_000  # steps between evaluations and before patience ends
HELD = 200
HEADER = ("method", "trained", "share", "memory MB", "seconds", "tokens/s", "steps",
          "held-out loss", "general perplexity", "rise")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a method is trained on, as it goes to its process: all but `method` is the same.

    `data` is a data set of answers, or two sides of rewrites.
    """

    method: Method
    base: Path
    data: Any
    general: Sequence[tuple[str, str]]
    settings: FinetuneConfig
    folder: Path


def work(arguments: argparse.Namespace, folder: Path) -> Work:
    """Reads the data once; the base is the configured generator without its adapter."""
    from finetune.cli_shared import general_pairs, read_dataset, settings_of
    from finetune.rewrites import read_rewrites
    from models.config import ModelsConfig, section
    from models.resolve import generator_torch_folder

    config = arguments.config
    fixed = {"epochs": 1, "patience": NEVER, "evaluate_every": NEVER, "checkpoint_every": NEVER,
             "replay": 0.0, "kl": 0.0, "learning_rate": 0.0}  # fmt: skip
    settings = settings_of(config, None).model_copy(update=fixed)
    data: Any
    if arguments.rewrites:
        data = read_rewrites(arguments.rewrites)[: arguments.examples + HELD]
    else:
        whole, _ = read_dataset(config, settings, arguments.articles, arguments.qa, None)
        data = replace(whole, train=whole.train[: arguments.examples], held=whole.held[:HELD])
    models = section(config, "models", ModelsConfig).model_copy(update={"generator_adapter": ""})
    return Work(
        method="lora", base=generator_torch_folder(models), data=data,
        general=general_pairs(None), settings=settings, folder=folder,
    )  # fmt: skip


def trained(given: Work) -> dict[str, Any]:
    """Trains one method, in this process; the summary of its run."""
    from finetune.run import execute

    return execute(_task(given))


def _task(given: Work) -> "Task":
    from finetune import generator, rewriter

    settings = given.settings.model_copy(update={"method": given.method})
    make = rewriter.task if isinstance(given.data, list) else generator.task
    made = make(
        given.base, given.data, [], given.general, settings, given.folder / given.method,
        lambda done, steps, loss: None,
    )  # fmt: skip
    return replace(made, quality=dict, samples=tuple)  # losses alone are compared


def in_a_process(given: Work) -> dict[str, Any]:
    """The same in a process of its own."""
    with tempfile.NamedTemporaryFile(suffix=".pkl") as file:
        file.write(pickle.dumps({name: getattr(given, name) for name in Work.__slots__}))
        file.flush()
        command = [sys.executable, "-m", "bench.methods", "--work", file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{given.method} failed; what it said is above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(summary: dict[str, Any]) -> list[str]:
    """A line of the table."""
    before, after = summary["before"], summary["after"]
    perplexity = [math.exp(side["general_loss"]) for side in (before, after)]
    return [
        summary["settings"]["method"],
        f"{summary['trainable']:,}",
        f"{summary['trainable'] / summary['parameters']:.2%}",
        f"{summary['peak_memory_mb']:,}",
        f"{summary['seconds']:.0f}",
        f"{summary['tokens_per_second']:.0f}",
        str(summary["steps"]),
        f"{before['held_loss']:.3f} -> {after['held_loss']:.3f}",
        f"{perplexity[0]:.1f} -> {perplexity[1]:.1f}",
        f"{perplexity[1] / perplexity[0] - 1:+.1%}",
    ]


def table(summaries: Sequence[dict[str, Any]]) -> str:
    """All lines as Markdown."""
    lines = [HEADER, ["---"] * len(HEADER), *map(row, summaries)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains the methods one after the other and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--articles", type=Path, action="append")
    parser.add_argument("--qa", type=Path, action="append")
    parser.add_argument("--rewrites", type=Path)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--only", choices=METHODS, action="append")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work:
        return print(json.dumps(trained(Work(**pickle.loads(given.work.read_bytes())))))
    if not (given.articles or given.qa or given.rewrites):
        parser.error("give --qa and --articles, or --rewrites")
    with tempfile.TemporaryDirectory() as folder:
        same = work(given, Path(folder))
        found = []
        for method in given.only or METHODS:
            print(f"training by {method}", file=sys.stderr, flush=True)
            found.append(in_a_process(replace(same, method=method)))
    if given.out:
        from bench.machine import about

        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps({"machine": about(), "runs": found}, indent=1) + "\n")
    return print(table(found))


if __name__ == "__main__":
    main()
