"""The page about a training: it needs nothing from elsewhere, and what it shows is escaped."""

import re
from typing import Any

import pytest

from finetune.charts import lines_svg
from finetune.report import report

SUMMARY: dict[str, Any] = {
    "task": "generator", "settings": {"method": "lora"}, "base": {"name": "tiny"},
    "trainable": 10, "parameters": 1000, "steps": 7, "planned_steps": 9, "best_step": 6,
    "precision": "fp32", "seconds": 5.0, "tokens_per_second": 99.0, "peak_memory_mb": 1500,
    "before": {"held_loss": 2.0}, "after": {"held_loss": 1.5, "train_loss": 1.4},
    "checks": [{"name": "held-out loss falls by", "value": 0.5, "limit": 0.0, "passed": True},
               {"name": "general perplexity", "value": 0.5, "limit": 0.03, "passed": False}],
}  # fmt: skip
CURVE = [{"step": 5, "train_loss": 2.0, "held_loss": 2.2, "rate": 1e-3},
         {"step": 7, "train_loss": 1.5, "held_loss": 1.6, "rate": 0.0}]  # fmt: skip
SPEED = [{"step": 5, "tokens_per_second": 90.0, "memory_mb": 1400},
         {"step": 7, "tokens_per_second": 99.0, "memory_mb": 1500}]  # fmt: skip


def page(**changes: Any) -> str:
    given = {"curve": CURVE, "speed": SPEED, "samples": [], **changes}
    return report(SUMMARY, given["curve"], given["speed"], given["samples"])


def test_it_shows_curves_checks_and_examples() -> None:
    samples = [{"asked": "How <long>?", "wanted": "3 days.", "before": "Yes.", "after": "3 days."}]
    html = page(samples=samples)
    assert html.count("<svg") == 4
    assert html.count("<polyline") == 5  # training and held out share a chart
    assert "How &lt;long&gt;?" in html
    assert '<td class="failed">FAILED</td>' in html
    assert "best at step 6" in html
    assert not re.search(r"<script|https?://|<link|<img", html)


def test_a_run_that_was_never_evaluated_has_no_charts() -> None:
    assert "<svg" not in page(curve=[], speed=[])
    assert "What it writes" not in page()


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(1, 2.0), (3, 4.0)], ["215.3,214.0", "522.0,14.0"]),  # by step, higher is up
        ([(2, 5.0)], ["522.0,214.0"]),  # one point, no span
        ([(1, 0.0), (2, 0.0)], ["292.0,214.0", "522.0,214.0"]),
    ],
)
def test_points_are_placed_by_step_and_value(
    points: list[tuple[float, float]], expected: list[str]
) -> None:
    svg = lines_svg({"a<b": points}, "loss")
    found = re.search(r'points="([^"]*)"', svg)
    assert found
    assert found[1].split() == expected
    assert "a&lt;b" in svg
