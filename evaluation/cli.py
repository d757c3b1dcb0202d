"""`truepenny eval ...`: puts the commands of the evaluation together."""

import typer

from evaluation import (
    cli_calibrate,
    cli_compare,
    cli_dialogue,
    cli_measure,
    cli_peers,
    cli_sets,
)

app = typer.Typer(name="eval", help="Offline evaluation, with intervals.", no_args_is_help=True)
app.command()(cli_measure.retrieval)
app.command()(cli_measure.answers)
app.command()(cli_dialogue.dialogue)
app.command()(cli_measure.guard)
app.command()(cli_measure.faithfulness)
app.command()(cli_calibrate.calibrate)
app.command("calibrate-answers")(cli_calibrate.calibrate_answers)
app.command()(cli_compare.compare)
app.command()(cli_compare.report)
app.command()(cli_compare.plan)
app.command("make-questions")(cli_sets.make_questions)
app.command()(cli_sets.label)
app.command()(cli_sets.agreement)
app.command()(cli_sets.estimate)
app.command()(cli_peers.peers)
