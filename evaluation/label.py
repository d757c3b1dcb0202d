"""People's labels: a keyboard-driven page that asks, JSONL that keeps, and how far raters agree."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evaluation.questions import InputError, read_rows
from evaluation.statistics import Estimate, bootstrap

if TYPE_CHECKING:
    from fastapi import FastAPI

PAGE = Path(__file__).with_name("label.html")
LABELS = ("supported", "unsupported", "contradicted", "unclear")
Label = Literal["supported", "unsupported", "contradicted", "unclear"]
Row = dict[str, Any]


def items(rows: Sequence[Row]) -> list[Row]:
    """The sentences of a run's rows, each with the evidence that it was judged by.

    Raises:
        InputError: No row holds a sentence.
    """
    found = [
        {"key": key_of(row, n, at), "sentence": verdict["claim"],
         "question": row.get("question") or "", "evidence": verdict.get("quote") or ""}
        for n, row in enumerate(rows, start=1)
        for at, verdict in enumerate(row.get("verdicts", ()), start=1)
    ]  # fmt: skip
    if not found:
        raise InputError("no sentences to judge: give rows that --out of faithfulness has written")
    return found


def key_of(row: Row, number: int, at: int) -> str:
    """What names a sentence: its row's id, else its line, and its place in the answer."""
    return f"{row.get('id', row.get('line', number))}/{at}"


def load(path: Path) -> dict[str, dict[str, str]]:
    """Labels by rater and key; the latest word of a rater counts.

    Raises:
        InputError: A line isn't a label.
    """
    found: dict[str, dict[str, str]] = {}
    if not path.exists():
        return found
    for number, row in read_rows(path):
        if row.get("label") not in LABELS or not row.get("rater") or not row.get("key"):
            raise InputError(f"{path}:{number}: expected rater, key and label, got {row!r}")
        found.setdefault(row["rater"], {})[row["key"]] = row["label"]
    return found


def build(given: Sequence[Row], path: Path, rater: str) -> "FastAPI":
    """The page of one rater, who doesn't see what others said."""
    from fastapi import FastAPI, HTTPException
    from fastapi.responses import HTMLResponse
    from pydantic import BaseModel
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    class Judged(BaseModel):
        key: str
        label: Label

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # another site's name that leads here must not read or write labels
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    known = {item["key"] for item in given}

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return PAGE.read_text(encoding="utf-8")

    @app.get("/items")
    def all_items() -> Row:
        return {"rater": rater, "items": given, "labels": load(path).get(rater, {})}

    @app.post("/labels", status_code=204)
    def add(judged: Judged) -> None:
        if judged.key not in known:
            raise HTTPException(404, f"there is no sentence {judged.key!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"rater": rater, **judged.model_dump()}) + "\n")

    return app


def kappa(first: Sequence[str], second: Sequence[str]) -> Estimate:
    """Cohen's kappa of two raters with its bootstrap interval; None where chance explains all.

    Source: Cohen (1960), https://doi.org/10.1177/001316446002000104
    """
    names = sorted({*first, *second})
    a = np.array([names.index(label) for label in first], dtype=np.int64)
    b = np.array([names.index(label) for label in second], dtype=np.int64)

    def value(rows: Any) -> float:
        shares = [np.bincount(x[rows], minlength=len(names)) / len(rows) for x in (a, b)]
        chance = float(shares[0] @ shares[1])
        return (
            (float((a[rows] == b[rows]).mean()) - chance) / (1 - chance) if chance < 1 else np.nan
        )

    whole = value(np.arange(len(a))) if len(a) else np.nan
    found = bootstrap(len(a), value) if not np.isnan(whole) else None
    low, high = found or (None, None)
    return Estimate(value=None if np.isnan(whole) else whole, n=len(a), low=low, high=high)


def agreement(path: Path, first: str, second: str) -> Row:
    """Kappa of two raters and what they disagree on.

    Raises:
        InputError: One of them has labelled nothing that the other has.
    """
    labels = load(path)
    one, two = labels.get(first, {}), labels.get(second, {})
    both = [key for key in one if key in two]
    if not both:
        raise InputError(f"{path}: {first} and {second} have no sentence in common; "
                         f"raters are {', '.join(labels) or 'none'}")  # fmt: skip
    return {
        "kappa": kappa([one[key] for key in both], [two[key] for key in both]),
        "disagreements": [
            {"key": key, first: one[key], second: two[key]} for key in both if one[key] != two[key]
        ],
    }
