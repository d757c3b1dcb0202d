"""`truepenny flows check | list | run`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.terminal import explained, out, say

if TYPE_CHECKING:
    from bot.dialogue.flows import Flows
    from bot.dialogue.play import Played
    from bot.dialogue.triggers import Triggers
    from bot.types import Reply

app = typer.Typer(no_args_is_help=True)
Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files or folders of flows; [bot] flows by default."),
]
Config = Annotated[Path | None, typer.Option(help="truepenny.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@app.command()
@explained
def check(
    paths: Paths = None,
    meaning: Annotated[
        bool, typer.Option(help="Also compare what examples mean; loads the embedder.")
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Finds unreachable steps, unused slots, missing prompts, overlapping triggers and more.

    Example: truepenny flows check examples/flows
    """
    from dataclasses import asdict

    from bot.dialogue.check import Problem
    from bot.dialogue.check import check as problems_of
    from bot.dialogue.errors import FlowError

    try:
        flows = _flows(paths, config)
        found = problems_of(flows, _triggers(flows, config) if meaning else None)
        counts = {"flows": len(flows.flows), "actions": len(flows.actions)}
    except FlowError as error:
        found, counts = [Problem(flow="", step="", text=str(error))], {}
    for problem in found:
        where = " ".join(part for part in (problem.flow, problem.step) if part)
        say(f"{where}: {problem.text}" if where else problem.text)
    if as_json:
        out({**counts, "problems": [asdict(problem) for problem in found]})
    elif not found:
        say(f"{counts['flows']} flows, {counts['actions']} actions: nothing is wrong.")
    if found:
        raise typer.Exit(1)


@app.command("list")
@explained
def list_flows(paths: Paths = None, config: Config = None, as_json: AsJson = False) -> None:
    """Lists the flows with their slots and actions.

    Example: truepenny flows list examples/flows
    """
    flows = _flows(paths, config)
    for name, flow in flows.flows.items():
        actions = [step.action for step in flow.steps if hasattr(step, "action")]
        slots = list(flows.slots_of(name))
        if as_json:
            out({"flow": name, "title": flow.title, "slots": slots, "actions": actions})
        else:
            say(f"{name}: {flow.title} (asks for {', '.join(slots)}; calls {', '.join(actions)})")


@app.command()
@explained
def run(
    conversations: Annotated[Path, typer.Argument(help="A TOML file of conversations.")],
    index: Annotated[Path | None, typer.Option("--index", help="The index folder.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, turn by turn.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Plays written conversations against the configured flows; fails where one goes otherwise.

    Example: truepenny flows run my-conversations.toml --index var/index
    """
    from bot.dialogue.parts import load_dialogue
    from bot.dialogue.play import load_conversations, play

    scripts = load_conversations(conversations)
    parts = load_dialogue(config, index)
    played = [play(script, parts, _explained if explain else _quiet) for script in scripts]
    for one in played:
        _report(one, as_json)
    if any(one.problems for one in played):
        raise typer.Exit(1)


def _flows(paths: list[Path] | None, config: Path | None) -> "Flows":
    from bot.dialogue.flows import load_flows
    from bot.dialogue.parts import dialogue_config

    chosen = paths or [Path(found) for found in [dialogue_config(config).flows] if found]
    if not chosen:
        raise typer.BadParameter("no flows: name a file or folder, or set [bot] flows")
    return load_flows(*chosen)


def _triggers(flows: "Flows", config: Path | None) -> "Triggers":
    from bot.dialogue.triggers import Triggers
    from models.config import ModelsConfig, section
    from retrieval.embedder import load_embedder

    return Triggers(flows, load_embedder(section(config, "models", ModelsConfig)))


def _report(one: "Played", as_json: bool) -> None:
    if as_json:
        out({"name": one.name, "problems": list(one.problems), "actions": list(one.actions)})
    for problem in one.problems:
        say(f"{one.name}: {problem}")
    if not one.problems:
        say(f"{one.name}: as written ({', '.join(one.actions) or 'no actions'})")


def _quiet(message: str, reply: "Reply") -> None:
    """Says nothing."""


def _explained(message: str, reply: "Reply") -> None:
    say(f"> {message}\n{reply.text}")
    for line in reply.trace:
        say(f"    {line}")
