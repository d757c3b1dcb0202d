"""Lines over the steps of a training, as inline SVG."""

from collections.abc import Mapping, Sequence

from markupsafe import escape

WIDTH, HEIGHT, LEFT, TOP = 460, 200, 62, 14
Points = Sequence[tuple[float, float]]


def lines_svg(series: Mapping[str, Points], up: str) -> str:
    """One line a series, named at its end; empty where there are no points."""
    points = [point for line in series.values() for point in line]
    if not points:
        return ""
    last = max(step for step, _ in points) or 1
    low, high = min(value for _, value in points), max(value for _, value in points)
    span = (high - low) or abs(high) or 1.0

    def at(step: float, value: float) -> tuple[float, float]:
        return LEFT + WIDTH * step / last, TOP + HEIGHT * (1 - (value - low) / span)

    drawn = "".join(_line(name, [at(*p) for p in line], n) for n, (name, line) in
                    enumerate(series.items()) if line)  # fmt: skip
    ticks = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{low + span * t:.3g}</text>'
        for t in (0.0, 0.5, 1.0)
        for y in [at(0, low + span * t)[1]]
    )
    bottom = TOP + HEIGHT + 18
    return (
        f'<svg viewBox="0 0 {LEFT + WIDTH + 90} {bottom + 22}" role="img" '
        f'aria-label="{escape(up)} by step">{ticks}'
        f'<text x="{LEFT}" y="{bottom}">0</text>'
        f'<text x="{LEFT + WIDTH}" y="{bottom}" text-anchor="end">{last:g}</text>'
        f'<text x="{LEFT + WIDTH / 2}" y="{bottom + 14}" text-anchor="middle">'
        f"{escape(up)} by step</text>{drawn}</svg>"
    )


def _line(name: str, points: Points, number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in points)
    return (
        f'<g class="line-{number}"><polyline points="{path}"/>{dots}'
        f'<text x="{x + 6:.1f}" y="{y + 4:.1f}">{escape(name)}</text></g>'
    )
