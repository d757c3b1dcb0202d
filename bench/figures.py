"""Figures: one measurement each, beside the naive pipeline's, with its target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import TruepennyError

# The highest value that passes the gate, in the figure's unit.
TARGETS = {
    "index_cold": 100.0,
    "index_changed_article": 3.0,
    "serve_start": 8.0,
    "serve_rss": 1.5,
    "retrieval_p50": 300.0,
    "first_sentence_p50": 1600.0,
    "reply_p50": 2200.0,
    "verify_share": 0.25,
}


class BenchError(TruepennyError):
    """A measurement can't be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement. None is what couldn't be measured, or what the naive pipeline lacks."""

    name: str
    unit: str
    ours: float | None
    naive: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the naive pipeline's."""
        if self.ours is None or not self.naive:
            return None
        return self.ours / self.naive

    @property
    def target(self) -> float | None:
        """The highest value that passes, None if there is none."""
        return TARGETS.get(self.name)


def failures(figures: Sequence[Figure]) -> list[str]:
    """A sentence for each figure that misses its target; one that wasn't measured misses it."""
    said = []
    for figure in figures:
        if figure.target is None:
            continue
        if figure.ours is None:
            said.append(f"{figure.name} was not measured; the target is {_with_unit(figure)}.")
        elif figure.ours > figure.target:
            got = f"{figure.ours:.4g} {figure.unit}".strip()
            said.append(f"{figure.name} is {got}; the target is {_with_unit(figure)}.")
    return said


def figures_json(figures: Sequence[Figure]) -> dict[str, Any]:
    """The figures by name."""
    return {
        figure.name: {
            "unit": figure.unit,
            "ours": _rounded(figure.ours),
            "naive": _rounded(figure.naive),
            "ratio": _rounded(figure.ratio),
            "target": figure.target,
        }
        for figure in figures
    }


def table(figures: Sequence[Figure]) -> list[list[str]]:
    """A row a figure: name, unit, ours, naive, ratio, target."""
    header = ["figure", "unit", "ours", "naive", "ours/naive", "target"]
    rows = [
        [
            figure.name,
            figure.unit,
            _shown(figure.ours),
            _shown(figure.naive),
            _shown(figure.ratio),
            "" if figure.target is None else f"<= {figure.target:g}",
        ]
        for figure in figures
    ]
    return [header, *rows]


def _with_unit(figure: Figure) -> str:
    return f"at most {figure.target:g} {figure.unit}".strip()


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
