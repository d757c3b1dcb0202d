"""A training as one page for people: curves, speed, memory, checks, and what the model writes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.charts import lines_svg

REPORT = "report.html"
TEMPLATE = Path(__file__).with_name("report.html.j2")
Row = Mapping[str, Any]


def report(
    summary: Mapping[str, Any], curve: Sequence[Row], speed: Sequence[Row], samples: Sequence[Row]
) -> str:
    """The page: no script, no font and no picture from anywhere else.

    Args:
        summary: Of the run.
        curve: Rows {step, train_loss, held_loss, rate}.
        speed: Rows {step, tokens_per_second, memory_mb}.
        samples: Rows {asked, wanted, before, after}.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    charts = [
        lines_svg({"training": _line(curve, "train_loss"), "held out": _line(curve, "held_loss")},
                  "loss, nats a term"),
        lines_svg({"rate": _line(curve, "rate")}, "learning rate"),
        lines_svg({"tokens/s": _line(speed, "tokens_per_second")}, "tokens a second"),
        lines_svg({"MB": _line(speed, "memory_mb")}, "memory, MB at most so far"),
    ]  # fmt: skip
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = page.from_string(TEMPLATE.read_text(encoding="utf-8"))
    shown = [Markup(chart) for chart in charts if chart]
    return template.render(run=summary, charts=shown, samples=samples)


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file; none if it isn't there."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _line(found: Sequence[Row], name: str) -> list[tuple[float, float]]:
    return [(row["step"], row[name]) for row in found]
