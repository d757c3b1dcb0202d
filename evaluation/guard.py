"""The guard by itself: claims against evidence, the whole cascade beside its parts.

The cascade decides in steps, so its AUC needs one score: 1 for a verbatim quote, the verifier's
probability where the verifier decides, half of it where an exact check (facts, polarity, names)
says no, and 0 for what couldn't be checked. A row of several sentences counts by its worst.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.label import kappa
from evaluation.overlap import NAMES as BASELINES
from evaluation.questions import InputError, read_rows
from evaluation.statistics import auc_estimate, share, shown
from guards.claims import claims
from guards.evidence import as_passages
from guards.quotes import words
from guards.types import Claim, Span, Verdict
from guards.verifier import windows
from retrieval.types import Passage

if TYPE_CHECKING:
    from evaluation.overlap import Baselines
    from guards.guard import Guard

VETO = 0.5
SCORES = ("cascade", "verifier", "overlap", *BASELINES)
Row = dict[str, Any]


def load(path: Path) -> list[Row]:
    """Reads rows {evidence: str or [str], claim, supported, source?}.

    Raises:
        InputError: The file is missing or empty, or a row is wrong.
    """
    return [_checked(row, path, number) for number, row in read_rows(path)]


def rows(
    given: Sequence[Row], guard: "Guard", baselines: "Baselines | None" = None
) -> Iterator[Row]:
    """Judges each row and yields it with its scores, in order; those of baselines if given."""
    for row in given:
        evidence = [row["evidence"]] if isinstance(row["evidence"], str) else row["evidence"]
        found = passages(row["evidence"])
        said = sentences(row["claim"])
        verdicts = guard.judge(said, found)
        yield {
            **{key: value for key, value in row.items() if key != "evidence"},
            "status": "supported" if _accepted(verdicts) else _worst(verdicts),
            "cascade": min(map(combined, verdicts)),
            "verifier": _verifier_alone(verdicts, found, guard),
            "overlap": overlap(row["claim"], row["evidence"]),
            **(baselines.scores(row["claim"], evidence) if baselines else {}),
            "verdicts": [
                {"claim": v.claim.text, "status": v.status, "probability": v.probability,
                 "guard": v.guard, "reason": v.reason}
                for v in verdicts
            ],
        }  # fmt: skip


def summary(found: Sequence[Row], guard: "Guard") -> dict[str, Any]:
    """AUCs with intervals, and what the shipped threshold lets pass.

    Rows of one evidence are resampled together. `catch_rate` is of the unsupported rows,
    `false_alarms` of the supported ones; `verifier_...` is the verifier alone, same threshold.
    `kappa` is with the labels at the shipped threshold; `best_kappa` at the threshold that suits
    these very rows best, which flatters every score alike.
    """
    labels = [row["supported"] for row in found]
    clusters = [row["evidence_hash"] for row in found]
    least = guard.thresholds.support
    refused = {
        "": [row["status"] != "supported" for row in found],
        "verifier_": [row["verifier"] < least for row in found],
    }
    rates: dict[str, Any] = {}
    for prefix, flags in refused.items():
        pairs = list(zip(flags, labels, strict=True))
        rates[f"{prefix}catch_rate"] = share([flag for flag, label in pairs if not label])
        rates[f"{prefix}false_alarms"] = share([flag for flag, label in pairs if label])
    scores = {
        name: [row[name] for row in found]
        for name in SCORES
        if found and all(name in row for row in found)
    }
    return {
        "n": len(found),
        "supported": sum(labels),
        "unchecked": sum(row["status"] == "unchecked" for row in found),
        "auc": {name: auc_estimate(values, labels, clusters) for name, values in scores.items()},
        "kappa": {
            name: kappa([str(not flag) for flag in refused[prefix]], [str(x) for x in labels])
            for name, prefix in (("cascade", ""), ("verifier", "verifier_"))
        },
        "best_kappa": {name: best_kappa(values, labels) for name, values in scores.items()},
        **rates,
        "threshold": least,
        "guard_version": guard.version,
    }


def tables(result: Row) -> list[list[list[str]]]:
    """One table, a row a score of a file; the last columns are at the threshold that serves."""
    body = [line for name, found in result["files"].items() for line in _lines(name, found)]
    header = ["file", "score", "AUC", "kappa at its best", "kappa", "catch rate", "false alarms"]
    return [[header, *body]]


def _lines(name: str, found: Row) -> Iterator[list[str]]:
    prefixes = {"cascade": "", "verifier": "verifier_"}
    for number, (score, area) in enumerate(found["auc"].items()):
        served = ["", "", ""]
        if score in prefixes:
            rates = [found[f"{prefixes[score]}{rate}"] for rate in ("catch_rate", "false_alarms")]
            served = [shown(item) for item in (found["kappa"][score], *rates)]
        best = shown(found["best_kappa"][score])
        yield [Path(name).name if number == 0 else "", score, shown(area), best, *served]


def best_kappa(scores: Sequence[float], labels: Sequence[bool]) -> dict[str, Any]:
    """Cohen's kappa with the labels at the threshold where it is highest, and that threshold.

    The interval takes the threshold as given.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(labels, bool)
    found: Any = kappa([], [])
    if not len(values) or truth.all() or not truth.any():
        return {**found, "threshold": None}
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)  # of the rows with one score
    accepted = np.arange(1, len(values) + 1)[last]
    right = np.cumsum(truth[order])[last]
    share_true = truth.mean()
    agree = (2 * right - accepted) / len(values) + 1 - share_true
    picked = accepted / len(values)
    chance = picked * share_true + (1 - picked) * (1 - share_true)
    least = float(values[order][last][int(np.argmax((agree - chance) / (1 - chance)))])
    found = kappa([str(value >= least) for value in scores], [str(x) for x in labels])
    return {**found, "threshold": least}


def combined(verdict: Verdict) -> float:
    """The cascade's one score for a claim; see the module."""
    return 0.0 if verdict.probability is None else graded(verdict.guard, verdict.probability)


def graded(judge: str, probability: float) -> float:
    """The probability, halved where an exact check said no."""
    return probability if judge in ("quote", "verifier") else VETO * probability


def passages(evidence: str | Sequence[str]) -> list[Passage]:
    """Evidence as passages: texts longer than one are cut into overlapping windows."""
    texts = [evidence] if isinstance(evidence, str) else list(evidence)
    cut = [window for text in texts for _, window in windows(text)]
    return as_passages(cut)


def sentences(claim: str) -> Sequence[Claim]:
    """The claims in a text; all of it where it states nothing by our reading."""
    whole = Claim(text=claim, span=Span(start=0, end=len(claim)), standalone=claim)
    return claims(claim) or (whole,)


def overlap(claim: str, evidence: str | Sequence[str]) -> float:
    """The share of a claim's words that stand in the evidence."""
    mine = words(claim)
    held = words(evidence if isinstance(evidence, str) else "\n".join(evidence))
    return len(mine & held) / len(mine) if mine else 0.0


def _verifier_alone(verdicts: Sequence[Verdict], found: Sequence[Passage], guard: "Guard") -> float:
    """The verifier's probability; verdicts carry it except for quotes, which it never saw."""
    if any(verdict.probability is None for verdict in verdicts):
        return 0.0
    chances = [v.probability for v in verdicts if v.guard != "quote" and v.probability is not None]
    quoted = [v.claim.standalone for v in verdicts if v.guard == "quote"]
    if quoted:
        logits = guard.verifier.support(quoted, found).max(axis=1)
        chances += [1 / (1 + float(np.exp(-logit))) for logit in logits]
    return min(chances)


def _accepted(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.status == "supported" for verdict in verdicts)


def _worst(verdicts: Sequence[Verdict]) -> str:
    order = ("contradicted", "unsupported", "unchecked", "supported")
    return min((verdict.status for verdict in verdicts), key=order.index)


def _checked(row: Row, path: Path, number: int) -> Row:
    where, evidence = f"{path}:{number}", row.get("evidence")
    texts = [evidence] if isinstance(evidence, str) else evidence
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"{where}: evidence must be a text or a list of texts, got {str(evidence)[:80]!r}"
        )
    claim, supported = row.get("claim"), row.get("supported")
    if not isinstance(claim, str) or not claim.strip():
        raise InputError(f"{where}: claim must be a text that isn't empty, got {claim!r}")
    if supported not in (True, False):  # 0 and 1 too
        raise InputError(f"{where}: supported must be true or false, got {supported!r}")
    digest = hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:16]
    return {
        "file": str(path), "line": number, "claim": claim, "evidence": evidence,
        "supported": bool(supported), "source": row.get("source"), "evidence_hash": digest,
    }  # fmt: skip
