"""Chooses the support threshold so that a promise about accepted claims holds.

Learn then Test: thresholds are tested from the strictest one down, each at the full level, until
one fails; the last that passed is chosen. The test is the exact binomial one of "the share of
unsupported claims among the accepted ones is over the risk". It starts at the first threshold
that accepts enough claims to pass at all, which looks at scores and never at labels; the level
holds as long as a lower score means a claim is no likelier to be supported.

Source: Angelopoulos et al. (2021), https://arxiv.org/abs/2110.01052, fixed-sequence testing.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaluation.statistics import binomial_tail, share, shown

if TYPE_CHECKING:
    from guards.guard import Guard, Thresholds

GRID = tuple(round(1 / (1 + math.exp(-x / 10)), 6) for x in range(120, -31, -1))
Row = dict[str, Any]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A threshold that keeps the promise; counts are of claims that it accepts."""

    threshold: float
    accepted: int
    unsupported: int
    p_value: float


def choose(
    scores: Sequence[float],
    unsupported: Sequence[bool],
    *,
    risk: float,
    confidence: float,
    quoted: Sequence[bool] | None = None,
) -> Choice | None:
    """The lowest threshold of `GRID` that keeps the risk at that confidence.

    The promise must hold for all accepted claims and for those the verifier accepts by itself:
    quotes pass at any threshold, and a set full of them would hide a verifier that errs.

    Args:
        scores: Probability of support; 0 for what is refused at any threshold.
        unsupported: The label of each claim.
        risk: Highest share of unsupported among accepted, in (0, 1).
        confidence: That the promise holds, over draws of the calibration set.
        quoted: Which claims are accepted as verbatim quotes; none by default.

    Returns:
        None when no threshold passes.
    """
    numbers, bad = np.asarray(scores, np.float64), np.asarray(unsupported, bool)
    quotes = np.zeros(len(numbers), bool) if quoted is None else np.asarray(quoted, bool)
    enough = least_accepted(len(numbers), risk, confidence)
    chosen = None
    for threshold in GRID:
        verified = (numbers >= threshold) & ~quotes
        if verified.sum() < enough:
            continue
        groups = (verified, verified | quotes)
        p = max(_p_value(group, bad, risk) for group in groups)
        if p > 1 - confidence:
            break
        accepted = groups[1]
        chosen = Choice(
            threshold=threshold, accepted=int(accepted.sum()),
            unsupported=int((accepted & bad).sum()), p_value=p,
        )  # fmt: skip
    return chosen


def least_accepted(n: int, risk: float, confidence: float) -> int:
    """How many accepted claims the first test needs.

    Enough to pass with half the promised risk among them, but no more than a tenth of the set
    unless even a set without one error would need more.
    """
    flawless = math.ceil(math.log(1 - confidence) / math.log1p(-risk))
    half = flawless
    while binomial_tail(math.floor(half * risk / 2), half, risk) > 1 - confidence:
        half += max(1, half // 20)
    return max(flawless, min(half, n // 10))


def score(row: Row) -> tuple[float, bool]:
    """A judged row's score for `choose`, and whether quotes alone carry it.

    The least of the verifier's probabilities; 0 where an exact check says no or no check could
    be made, since no threshold lets that pass.
    """
    verdicts = row["verdicts"]
    if any(verdict["guard"] not in ("quote", "verifier") for verdict in verdicts):
        return 0.0, False
    quoted = all(verdict["guard"] == "quote" for verdict in verdicts)
    return min(verdict["probability"] for verdict in verdicts), quoted


def calibrate(found: Sequence[Row], *, risk: float, confidence: float) -> dict[str, Any] | None:
    """Chooses the threshold from judged rows (of `evaluation.guard.rows`).

    Returns:
        The threshold, its test, and what it costs: `answer_rate` is the share of supported
        claims that are accepted, `answer_rate_vetoed_only` what it would be at threshold 0.
    """
    scored = [score(row) for row in found]
    scores, quoted = [s for s, _ in scored], [q for _, q in scored]
    bad = [not row["supported"] for row in found]
    choice = choose(scores, bad, risk=risk, confidence=confidence, quoted=quoted)
    if choice is None:
        return None
    accepted = [s >= choice.threshold or q for s, q in scored]
    rows = list(zip(accepted, quoted, bad, scores, strict=True))
    return {
        "method": "learn-then-test, fixed sequence, exact binomial",
        "risk": risk,
        "confidence": confidence,
        **asdict(choice),
        "rows": len(found),
        "quotes": sum(quoted),
        "unsupported_among_accepted": share([b for a, _, b, _ in rows if a]),
        "unsupported_among_verified": share([b for a, q, b, _ in rows if a and not q]),
        "answer_rate": share([a for a, _, b, _ in rows if not b]),
        "answer_rate_vetoed_only": share([s > 0 for _, _, b, s in rows if not b]),
    }


def artefact(
    guard: "Guard", found: dict[str, Any], inputs: Sequence[Path], tokenizer: Path
) -> "Thresholds":
    """The thresholds to ship; what decides answerability stays as the guard applies it now.

    Args:
        guard: Whose verifier the rows were judged with.
        found: Of `calibrate`; kept under measured.support.
        inputs: The calibration set's files.
        tokenizer: The verifier's tokenizer.json.
    """
    record = {
        **found,
        "files": [path.name for path in inputs],
        "calibration_sha256": _sha256(*inputs),
        "tokenizer_sha256": _sha256(tokenizer),
    }
    content = json.dumps([record, guard.verifier.version], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return replace(
        guard.thresholds, support=found["threshold"], verifier=guard.verifier.version,
        tokenizer=guard.verifier.tokenizer,
        version=f"ltt-{found['risk']:g}-{digest[:8]}",
        measured={**guard.thresholds.measured, "support": record},
    )  # fmt: skip


def write(thresholds: "Thresholds", path: Path) -> None:
    """Writes the artefact whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(asdict(thresholds), indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def tables(result: Row) -> list[list[list[str]]]:
    """One table of the artefact: the threshold, its test, what it costs."""
    found = result["measured"]["support"]
    body = [
        ["support threshold", f"{result['support']:g}"],
        ["promise", f"risk at most {found['risk']:g}, confidence {found['confidence']:g}"],
        ["p-value", f"{found['p_value']:.3g}"],
        ["claims (quotes among them)", f"{found['rows']} ({found['quotes']})"],
        ["unsupported among accepted", shown(found["unsupported_among_accepted"])],
        ["unsupported among verifier's", shown(found["unsupported_among_verified"])],
        ["answer rate (supported claims accepted)", shown(found["answer_rate"])],
        ["answer rate by exact checks alone", shown(found["answer_rate_vetoed_only"])],
        ["version", result["version"]],
        ["verifier", result["verifier"]],
    ]
    return [[["calibration", "value"], *body]]


def _p_value(group: Flags, bad: Flags, risk: float) -> float:
    """Of the hypothesis that the share of unsupported in the group's population is over risk."""
    return binomial_tail(int((group & bad).sum()), int(group.sum()), risk)


def _sha256(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
