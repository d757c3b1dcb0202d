"""A run as one page for people: figures, what changed, curves, errors with examples, latency."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluation import charts
from evaluation.compare import Change, changes, metrics
from evaluation.statistics import Estimate, mean, percentiles, share

TEMPLATE = Path(__file__).with_name("report.html.j2")
EXAMPLES = 3
WORST = 10
GOOD = ("right", "declined", "supported", "refusal", "unjudged")
LABELS = {
    "right_and_cited": "Answered right, with its source",
    "declined_unanswerable": "Declined what it can't know",
    "wrong": "Said something wrong",
    "declined_answerable": "Declined what it could have answered",
    "total_ms": "Time for a reply, mean",
    "catch_rate": "Unsupported claims caught",
    "false_alarms": "Supported claims refused",
    "supported_sentences": "Sentences borne out by the passages",
    "contradicted_sentences": "Sentences contradicted by the passages",
    "answers_supported": "Answers borne out as a whole",
    "refused": "Answers that say they don't know",
    "relevance": "Answer speaks to the question, mean probability",
    "failed": "Rows that could not be scored",
}
Row = dict[str, Any]


def gather(rows: Sequence[Row], before: Sequence[Row] | None = None) -> dict[str, Any]:
    """All that the page shows, as JSON.

    Args:
        rows: Of one run, of any evaluation that `evaluation.compare` knows.
        before: Of an earlier run over the same rows.

    Raises:
        InputError: The rows are of no known evaluation, or the runs have none in common.
    """
    bad = [row for row in rows if _kind(row) not in GOOD]
    pairs = _judged(rows)
    found = charts.bins([p for p, _ in pairs], [y for _, y in pairs])
    return {
        "rows": len(rows),
        "failed": sum("error" in row for row in rows),
        "figures": [_figure(m.name, m.better, _values(rows, m.part)) for m in metrics(rows)],
        "changes": [_change(c) for c in changes(before, rows)] if before else [],
        "reliability": [asdict(b) for b in found],
        "calibration_error": charts.calibration_error(found) if found else None,
        "risk": charts.risk_curve([p for p, _ in pairs], [y for _, y in pairs]),
        "kinds": _groups(bad, _kind),
        "articles": _worst(rows),
        "latency": percentiles([s for row in rows if (s := _spent(row)) is not None]),
    }


def render(data: Mapping[str, Any], title: str) -> str:
    """The page: no script, no font and no picture from anywhere else."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = page.from_string(TEMPLATE.read_text(encoding="utf-8"))
    bins = [charts.Bin(**b) for b in data["reliability"]]
    return template.render(
        title=title,
        **data,
        reliability_svg=Markup(charts.reliability_svg(bins)) if bins else "",
        risk_svg=Markup(charts.risk_svg(data["risk"])) if data["risk"] else "",
    )


def _values(rows: Sequence[Row], part: Callable[[Row], Any]) -> list[tuple[float, float]]:
    return [found for row in rows if (found := part(row)) is not None and found[1]]


def _figure(name: str, better: int, values: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """A share of rows by Wilson; anything else by the bootstrap over rows."""
    whole = all(n == 1 and total in (0, 1) for total, n in values)
    flat = [total / n for total, n in values]
    found: Estimate = share([bool(v) for v in flat]) if whole else mean(flat)
    if not whole and values:
        found = {**found, "value": sum(t for t, _ in values) / sum(n for _, n in values)}
    return {
        "name": name, "label": LABELS[name], "better": better, "percent": name != "total_ms",
        **found,
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    sure = change.low > 0 or change.high < 0
    good = change.better * change.difference > 0
    return {
        **asdict(change),
        "label": LABELS[change.metric],
        "percent": change.metric != "total_ms",
        "difference": change.difference,
        "word": ("better" if good else "worse") if sure else "may be chance",
    }


def _kind(row: Row) -> str:
    """What became of a row, for grouping; of the guard's rows, how it erred."""
    if "error" in row:
        return "could not be scored"
    if "cascade" in row:
        passed = row["status"] == "supported"
        wrong = {True: "let an unsupported claim pass", False: "refused a supported claim"}
        return "right" if passed == row["supported"] else wrong[passed]
    if row.get("outcome") == "declined" and row["answerable"]:
        return "declined, but could be answered"
    if row.get("outcome") == "wrong" and not row["answerable"]:
        return "answered, but can't be known"
    if row.get("outcome") == "beside":
        return "true, but not what was asked for"
    return str(row.get("outcome", row.get("status")))


def _judged(rows: Sequence[Row]) -> list[tuple[float, bool]]:
    """Probabilities with what came true, where the rows hold both."""
    found = []
    for row in rows:
        if "cascade" in row:
            found.append((float(row["cascade"]), bool(row["supported"])))
        elif row.get("answerable_probability") is not None and "outcome" in row:
            found.append((float(row["answerable_probability"]), bool(row["answerable"])))
    return found


def _groups(bad: Sequence[Row], kind: Callable[[Row], str]) -> list[dict[str, Any]]:
    counts = Counter(map(kind, bad)).most_common()
    return [
        {"kind": name, "n": n,
         "examples": [_example(row) for row in bad if kind(row) == name][:EXAMPLES]}
        for name, n in counts
    ]  # fmt: skip


def _example(row: Row) -> dict[str, str]:
    reasons = [
        f"{v['claim']} — {v['reason']}"
        for v in row.get("verdicts", ())
        if v["status"] not in ("supported", "refusal")
    ]
    missing = [" or ".join(fact) for fact in row.get("missing", ())]
    notes = [f"not said: {text}" for text in missing] + reasons[:2]
    return {
        "name": str(row.get("id", f"line {row.get('line', '?')}")),
        "question": str(row.get("question") or row.get("claim") or ""),
        "answer": str(row.get("text") or "")[:600],
        "why": str(row.get("error") or "; ".join(notes)),
    }


def _worst(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Articles by the share of their questions that went wrong, those with many errors first."""
    of: dict[str, list[bool]] = {}
    for row in rows:
        found_in = () if "outcome" in row else row.get("verdicts", ())
        names = row.get("articles") or [v["passage_id"] for v in found_in if v.get("passage_id")]
        for name in dict.fromkeys(names):
            of.setdefault(str(name), []).append(_kind(row) not in GOOD)
    counts = [(name, sum(flags), len(flags)) for name, flags in of.items() if any(flags)]
    counts.sort(key=lambda item: (-item[1], -item[1] / item[2], item[0]))
    return [{"article": name, "errors": bad, "n": n} for name, bad, n in counts[:WORST]]


def _spent(row: Row) -> float | None:
    return row.get("timings", {}).get("total_ms")
