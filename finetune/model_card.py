"""The model card that goes beside the weights, from the run's summary alone.

Source: Mitchell et al. 2019, https://arxiv.org/abs/1810.03993; the front matter is the Hugging
Face hub's.
"""

from collections.abc import Mapping
from typing import Any

_USE = {
    "generator": "Writes draft answers from help-centre passages, in Truepenny's own prompt "
    "template. Every sentence still passes the guard before it is said.",
    "preference": "Writes draft answers, as the generator does that it went on from; trained to "
    "prefer drafts that the guard verifies to drafts that it rejects.",
    "rewriter": "Makes a follow-up question stand alone, from the conversation before it.",
    "embedder": "Finds the passages of a help centre that answer a question.",
    "intents": "Names the intent of a customer's message.",
    "encoder": "An encoder that knows the words of a domain; a start for other trainings.",
}


def model_card(summary: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    settings, base = summary["settings"], summary["base"]
    share = summary["trainable"] / summary["parameters"]
    lines = [
        "---", f"base_model: {base['name']}", "tags: [truepenny, customer-service]", "---", "",
        f"# {summary['task'].capitalize()}: {settings['method']} on {base['name']}", "",
        _USE[summary["task"]], "",
        "## Training", "",
        f"{settings['method']}, {summary['trainable']:,} of {summary['parameters']:,} parameters "
        f"({share:.2%}); {summary['steps']} of {summary['planned_steps']} steps, best at step "
        f"{summary['best_step']}; {summary['precision']}, {summary['seconds']} s, "
        f"{summary['tokens_per_second']} tokens/s, {summary['peak_memory_mb']} MB at most; seed "
        f"{settings['seed']}. All settings are in `summary.json`.", "",
        "## Data", "", *_data(summary["data"]), "",
        "## Results on held-out data", "",
        "| | before | after |", "|---|---|---|", *_results(summary["before"], summary["after"]), "",
        "## Checks", "", "| check | value | limit | |", "|---|---|---|---|",
        *(
            f"| {check['name']} | {check['value']} | {check['limit']} | "
            f"{'passed' if check['passed'] else 'FAILED'} |"
            for check in summary["checks"]
        ), "",
        "Losses are nats a term. What the model writes is true only as far as it was checked.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _data(card: Mapping[str, Any]) -> list[str]:
    sides = [f"{name.replace('_', ' ')}: {card[name]}" for name in ("train", "held_out")]
    return [f"Sources: {', '.join(card['sources'])}.", "", *(f"- {side}" for side in sides)]


def _results(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    return [
        f"| {name.replace('_', ' ')} | {before.get(name, '')} | {value} |"
        for name, value in after.items()
    ]
