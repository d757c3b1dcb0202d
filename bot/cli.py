"""`truepenny ask | chat | serve`."""

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.terminal import explained, out, say

if TYPE_CHECKING:
    from bot.types import Reply

Index = Annotated[
    Path | None, typer.Option("--index", help="The index folder; the configured one by default.")
]
Config = Annotated[Path | None, typer.Option(help="truepenny.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
_LABELS = {"answer": "checked", "abstain": "declined", "handoff": "handed over", "flow": "task"}


@explained
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    index: Index = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Answers one question with a verified reply, or says that it can't.

    Example: truepenny ask "How long may I send things back?" --index var/index
    """
    from bot.answer import answer
    from bot.parts import load
    from bot.render import reply_json
    from bot.types import State

    if not question.strip():
        raise typer.BadParameter("the question is empty; ask something")
    state = State(conversation_id=uuid.uuid4().hex)
    reply = answer(question, state, **load(config, index))
    if as_json:
        out(reply_json(reply))
    else:
        show(reply)


@explained
def chat(
    index: Index = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, turn by turn.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Holds a conversation in the terminal; an empty line or Ctrl-D ends it.

    Example: truepenny chat --index var/index
    """
    from bot.dialogue.handoff import given_back
    from bot.dialogue.parts import load_dialogue
    from bot.dialogue.step import step
    from bot.render import reply_json
    from bot.types import State

    parts = load_dialogue(config, index)
    state = State(conversation_id=uuid.uuid4().hex)
    say("Ask something; an empty line ends the conversation.")
    for line in sys.stdin:
        if not line.strip():
            break
        state, reply = step(state, line.strip(), parts)
        if state.mode == "person":  # there is none at a terminal
            state = given_back(state)
        for why in reply.trace if explain else ():
            say(f"    {why}")
        if as_json:
            out(reply_json(reply))
        else:
            show(reply)


@explained
def serve(
    index: Index = None,
    host: Annotated[str | None, typer.Option(help="Address to bind; loopback by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 8080 by default.")] = None,
    config: Config = None,
) -> None:
    """Runs the service and its chat page.

    Example: truepenny serve --index var/index --port 8080
    """
    from bot.serve import serve as run

    run(config, index, host, port)


def show(reply: "Reply") -> None:
    """Prints a reply for people: the text, then what each number cites."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    label = _LABELS.get(reply.action, reply.action)
    console.print(f"[bold]{label}[/bold]")
    if not reply.sentences:
        console.print(escape(reply.text))
    at = 0
    for sentence in reply.sentences:
        numbers = "".join(f"[{n}]" for n in sentence.citations)
        between = reply.text[at : sentence.start]
        console.print(escape(f"{between}{sentence.text} {numbers}"), end="")
        at = sentence.end
    if reply.sentences:
        console.print(escape(reply.text[at:]))
    for citation in reply.citations:
        where = f" ({citation.url})" if citation.url else ""
        console.print(f"[dim]{escape(f'[{citation.n}] {citation.title}{where}')}[/dim]")
    for suggestion in reply.suggestions:
        console.print(f"[dim]see also: {escape(suggestion.text)}[/dim]")
