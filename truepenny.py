"""The command: puts each room's commands together and imports nothing heavy."""

import logging
import sys

import typer

import bot.cli
import bot.dialogue.cli
import bot.store.cli
import evaluation.cli
import evaluation.cli_adapters
import evaluation.cli_gaps
import finetune.cli
import finetune.cli_shared
import guards.cli
import models.cli
import retrieval.cli

app = typer.Typer(
    name="truepenny",
    help="A self-hosted customer-service chatbot that vouches for every sentence it says.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def assembled(context: typer.Context) -> None:
    """Hands the rooms what they may not import."""
    promote = evaluation.cli_adapters.promote_trained
    context.obj = finetune.cli_shared.Above(promote=promote)


app.command()(retrieval.cli.index)
app.command()(bot.cli.ask)
app.command()(bot.cli.chat)
app.command()(bot.cli.serve)
app.command()(guards.cli.check)
app.add_typer(bot.store.cli.keys, name="keys", help="API keys: create, list, revoke.")
app.add_typer(
    bot.store.cli.conversations, name="conversations", help="What was said: list, export, erase."
)
app.add_typer(bot.store.cli.db, name="db", help="The database: upgrade, audit log.")
app.add_typer(bot.dialogue.cli.app, name="flows", help="Flows: check, list, run.")
app.add_typer(evaluation.cli.app, name="eval", help="Offline evaluation, with intervals.")
app.add_typer(evaluation.cli_gaps.app, name="report", help="What the conversations tell: gaps.")
app.add_typer(finetune.cli.app, name="train", help="Adapts a model to your data.")
app.add_typer(evaluation.cli_adapters.app, name="adapters")
app.add_typer(models.cli.app, name="models", help="Weights: list, fetch, verify.")


def main() -> None:
    """Runs the command line; progress notes of the rooms go to stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("truepenny").setLevel(logging.INFO)
    app()


if __name__ == "__main__":
    main()
