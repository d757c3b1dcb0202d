"""Charts as geometry, drawn as inline SVG by a template; no style attributes, no script."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640, 210
LEFT, RIGHT, TOP, BOTTOM = 66, 12, 12, 28
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label at a place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series: a path with gaps where there is no value, and its points for those alone."""

    label: str
    path: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A piece of a stack; `series` counts the stack's pieces from below."""

    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with its axes; `labels` name the series in their order."""

    title: str
    summary: str
    labels: tuple[str, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()


def line_chart(
    title: str,
    summary: str,
    days: Sequence[date],
    series: Mapping[str, Sequence[float | None]],
    unit: str,
) -> Chart:
    """Lines over days; a value None is a gap.

    Args:
        title: What it shows.
        summary: The same in a sentence with numbers, for those who don't see it.
        days: The days.
        series: By name, a value a day.
        unit: Behind the numbers of the axis.
    """
    known = [value for values in series.values() for value in values if value is not None]
    ticks = nice(max(known, default=0.0))
    lines = tuple(_line(name, values, ticks[-1]) for name, values in series.items())
    return Chart(
        title=title, summary=summary, labels=tuple(series), lines=lines,
        rows=tuple(Tick(at=_y(tick / ticks[-1]), label=f"{tick:g}{unit}") for tick in ticks),
        columns=_columns(days),
    )  # fmt: skip


def stacked_chart(
    title: str, summary: str, days: Sequence[date], shares: Mapping[str, Sequence[float]]
) -> Chart:
    """Stacks of shares, 0 to 1, over days; the first series lies lowest."""
    step = (WIDTH - LEFT - RIGHT) / len(days)
    gap = min(3.0, step * 0.2)
    bars = []
    for n in range(len(days)):
        below = 0.0
        for series, values in enumerate(shares.values()):
            top = _y(below + values[n])
            if values[n]:
                bars.append(
                    Bar(
                        series=series, x=round(LEFT + n * step + gap / 2, 1), y=top,
                        width=round(step - gap, 1), height=round(_y(below) - top, 1),
                    )
                )  # fmt: skip
            below += values[n]
    rows = tuple(Tick(at=_y(share / 100), label=f"{share}%") for share in (0, 50, 100))
    return Chart(
        title=title, summary=summary, labels=tuple(shares), rows=rows, columns=_columns(days),
        bars=tuple(bars),
    )  # fmt: skip


def nice(most: float) -> list[float]:
    """Round numbers from 0 to `most` or a little more, three to five of them."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in STEPS if each * power >= rough * (1 - 1e-9))
    return [step * n for n in range(math.ceil(most / step - 1e-9) + 1)]


def _line(label: str, values: Sequence[float | None], top: float) -> Line:
    places = [
        None if value is None else (_x(n, len(values)), _y(value / top))
        for n, value in enumerate(values)
    ]
    path, lone = [], []
    for n, place in enumerate(places):
        if place is None:
            continue
        begins = n == 0 or places[n - 1] is None
        ends = n == len(places) - 1 or places[n + 1] is None
        path.append(f"{'M' if begins else 'L'}{place[0]} {place[1]}")
        if begins and ends:
            lone.append(place)
    return Line(label=label, path=" ".join(path), points=tuple(lone))


def _columns(days: Sequence[date]) -> tuple[Tick, ...]:
    every = max(1, math.ceil(len(days) / 6))
    shown = range(len(days) - 1, -1, -every)
    return tuple(Tick(at=_x(n, len(days)), label=f"{days[n]:%-d %b}") for n in reversed(shown))


def _x(n: int, count: int) -> float:
    """The middle of a day's column."""
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (n + 0.5) / count, 1)


def _y(share: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)
