"""`truepenny adapters list | promote | rollback`, and the gate of `truepenny train --promote`."""

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evaluation.cli_shared import AsJson, Config, Index, load_guard, load_retriever, show
from models.config import ModelsConfig, section
from models.errors import ConfigError
from models.terminal import explained, out, say

if TYPE_CHECKING:
    from evaluation.promotion import Decision
    from models.registry import Registry

app = typer.Typer(help="The registry of adapters: list, promote, roll back.", no_args_is_help=True)
DEFAULT = "generator"
Name = Annotated[str, typer.Argument(help="The adapter's name in the registry.")]
By = Annotated[str, typer.Option("--by", help="Who decides; by default the user of this machine.")]


@app.command("list")
@explained
def list_(config: Config = None, as_json: AsJson = False) -> None:
    """Lists the adapters of the registry, every version, and which one serves.

    Example: truepenny adapters list
    """
    registry = _registry(config)
    found = [
        {**asdict(registry.entry(name, version)), "serves": version == registry.current(name)}
        for name in registry.names()
        for version in registry.versions(name)
    ]
    show({"registry": str(registry.root), "adapters": found}, as_json, _tables)


@app.command()
@explained
def promote(
    adapter: Annotated[Path, typer.Argument(help="A folder that `train` wrote.")],
    questions: Annotated[Path, typer.Option("--questions", help="The gate's question set.")],
    why: Annotated[str, typer.Option("--why", help="What is better about it.")],
    name: Annotated[str, typer.Option("--name", help="Its name in the registry.")] = DEFAULT,
    index: Index = None,
    by: By = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Lets a generator's adapter in if it drafts more faithfully and refuses no more.

    It is compared with the version that serves under the name, else with the base model.

    Example: truepenny adapters promote var/generator --questions dev.jsonl --why "new FAQ"
    """
    decision = gate(adapter, questions, config, name, index)
    result: dict[str, Any] = {**asdict(decision), "passed": decision.passed}
    if decision.passed:
        entry = _registry(config).promote(
            name, adapter, metrics=decision.metrics(), by=by or getpass.getuser(), why=why
        )
        result["version"] = entry.version
    if as_json:
        out(result)
    _tell(decision, f"{name} {result.get('version', '')}")
    if not decision.passed:
        raise typer.Exit(1)


@app.command()
@explained
def rollback(
    name: Name,
    why: Annotated[str, typer.Option("--why", help="What is wrong with the one that serves.")],
    to: Annotated[
        int | None, typer.Option("--to", help="A version; by default the one that served before.")
    ] = None,
    by: By = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Lets an earlier version serve again; a running service takes it up by itself.

    Example: truepenny adapters rollback generator --why "says prices without currency"
    """
    entry = _registry(config).rollback(name, by=by or getpass.getuser(), why=why, to=to)
    if as_json:
        out(asdict(entry))
    say(f"{name} {entry.version} serves now")


def promote_trained(adapter: Path, questions: Path, config: Path | None) -> bool:
    """What `truepenny train --promote` asks for: whether the adapter was let in."""
    decision = gate(adapter, questions, config, DEFAULT, None)
    version = ""
    if decision.passed:
        why = f"train --promote on {questions.name}"
        entry = _registry(config).promote(
            DEFAULT, adapter, metrics=decision.metrics(), by=getpass.getuser(), why=why
        )
        version = str(entry.version)
    _tell(decision, f"{DEFAULT} {version}")
    return decision.passed


def gate(
    adapter: Path, questions: Path, config: Path | None, name: str, index: Path | None
) -> "Decision":
    """Measures the adapter and what serves now, each as it would serve.

    Raises:
        ConfigError: The generator isn't one that takes our adapters.
        InputError: The question set is too small to prove anything.
    """
    from bot.policy import BotConfig
    from bot.understanding import standalone
    from evaluation.faithfulness import patient
    from evaluation.promotion import decide, drafter, judged
    from evaluation.questions import load

    settings = section(config, "bot", BotConfig)
    if settings.generator not in ("onnx", "transformers"):
        raise ConfigError(
            f"[bot] generator = {settings.generator!r} takes no adapter of ours; set it to onnx or "
            "transformers to promote one"
        )
    asked = [question for question in load(questions) if question.answerable]
    retriever, guard = load_retriever(config, index), patient(load_guard(config))
    read = {
        q.id: [hit.passage for hit in retriever.search(standalone(q.question, q.state()))]
        [: settings.draft_passages]
        for q in asked
    }  # fmt: skip
    say(f"{len(asked)} questions; drafting with what serves now, then with {adapter}")
    registry = _registry(config)
    now = str(registry.serving(name)) if registry.current(name) else ""
    before, after = (
        list(judged(asked, read, drafter(_generator(config, source)), guard))
        for source in (now, str(adapter))
    )
    return decide(before, after)


def _generator(config: Path | None, adapter: str) -> Any:
    from bot.generator import load_generator
    from bot.policy import BotConfig

    bot, models = section(config, "bot", BotConfig), section(config, "models", ModelsConfig)
    chosen = models.model_copy(update={"generator_adapter": adapter})
    return load_generator(bot.generator, chosen, max_tokens=bot.max_tokens)


def _registry(config: Path | None) -> "Registry":
    from models.registry import Registry

    return Registry.of(section(config, "models", ModelsConfig))


def _tell(decision: "Decision", what: str) -> None:
    for label, shift in (("faithful drafts", decision.faithful),
                         ("false refusals", decision.refused)):  # fmt: skip
        say(
            f"{label}: {shift.before:.1%} -> {shift.after:.1%} of {shift.n} "
            f"[{shift.low:+.1%}, {shift.high:+.1%}], p {shift.p:.2g}"
        )
    for reason in decision.reasons:
        say(f"REFUSED: {reason}")
    if decision.passed:
        say(f"promoted: {what.strip()} serves now")


def _tables(result: dict[str, Any]) -> list[list[list[str]]]:
    header = ["name", "version", "serves", "base", "faithful", "by", "at", "why"]
    body = []
    for row in result["adapters"]:
        found = row["metrics"].get("faithful")
        shares = f"{found['before']:.1%} -> {found['after']:.1%}" if found else ""
        serves = "yes" if row["serves"] else ""
        base = str(row["base"].get("name", ""))
        body.append([row["name"], str(row["version"]), serves, base, shares, row["by"], row["at"],
                     row["why"]])  # fmt: skip
    return [[header, *body]]
