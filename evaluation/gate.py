"""The gate of a release: which changes between two runs are too bad, said in sentences."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.compare import Change
from evaluation.questions import InputError


class Limit(BaseModel):
    """What a metric may do.

    `worse_by` is what may be lost, in the metric's own unit (0.02 is two points of a share).
    `least` and `most` bound the second run's value itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    worse_by: float = Field(default=0.0, ge=0)
    least: float | None = None
    most: float | None = None


class Gate(BaseModel):
    """gate.toml: `alpha`, the chance of a false alarm over all metrics, and a table a metric."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: float = Field(default=0.05, gt=0, lt=1)
    metrics: dict[str, Limit] = Field(min_length=1)


def load(path: Path) -> Gate:
    """Reads a gate.

    Raises:
        InputError: It can't be read, or a key or value is wrong.
    """
    try:
        return Gate.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}") from None


def failures(gate: Gate, changes: Sequence[Change]) -> list[str]:
    """One sentence a limit that doesn't hold; none where all do.

    Losses are tested together by Holm's method, so that equal runs raise an alarm at most
    `alpha` of the time however many metrics are watched.

    Raises:
        InputError: The gate names a metric that the runs don't have.

    Source: Holm (1979), https://www.jstor.org/stable/4615733
    """
    by_name = {change.metric: change for change in changes}
    if unknown := [name for name in gate.metrics if name not in by_name]:
        raise InputError(
            f"the gate names {', '.join(unknown)}; these runs have {', '.join(by_name)}"
        )
    watched = sorted((by_name[name] for name in gate.metrics), key=lambda change: change.p)
    found = []
    for place, change in enumerate(watched):
        if change.p > gate.alpha / (len(watched) - place):
            break
        found.append(_lost(change))
    return found + [
        s for name, limit in gate.metrics.items() for s in _bounds(by_name[name], limit)
    ]


def _lost(change: Change) -> str:
    way = "lower" if change.better == 1 else "higher"
    return (
        f"{change.metric} got worse: {_value(change, change.first)} before, "
        f"{_value(change, change.second)} now, {_value(change, abs(change.difference))} {way} "
        f"(95 % interval of the difference {_value(change, change.low)} to "
        f"{_value(change, change.high)}, p {change.p:.2g}, {change.n} rows; "
        f"allowed is {_value(change, change.allowed)})."
    )


def _bounds(change: Change, limit: Limit) -> list[str]:
    found = []
    if limit.least is not None and change.second < limit.least:
        found.append(f"{change.metric} is {change.second:.4g}, under the least of {limit.least:g}.")
    if limit.most is not None and change.second > limit.most:
        found.append(f"{change.metric} is {change.second:.4g}, over the most of {limit.most:g}.")
    return found


def _value(change: Change, value: float) -> str:
    return f"{value:.0f} ms" if change.metric.endswith("_ms") else f"{100 * value:.1f} %"
