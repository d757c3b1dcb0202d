import re
from html.parser import HTMLParser

import numpy as np
import pytest

from evaluation import charts
from evaluation import report as room

VOID = {"meta", "br", "link"}


class Balanced(HTMLParser):
    """Fails on a tag that isn't closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def row(n: int, outcome: str = "right", **more: object) -> room.Row:
    return {
        "id": f"q-{n}", "question": f"<b>Question</b> {n}?", "text": "An answer.",
        "outcome": outcome, "answerable": True, "judged": True, "articles": [f"a-{n % 3}"],
        "answerable_probability": 0.9, "timings": {"total_ms": 100.0 + n}, "missing": [],
        "verdicts": [], **more,
    }  # fmt: skip


def run() -> list[room.Row]:
    reason = [{"claim": "It is 5.", "status": "unsupported", "reason": "5 is not in the evidence"}]
    return [
        *(row(n) for n in range(20)),
        *(row(n, "wrong", verdicts=reason, missing=[["45 days", "six weeks"]]) for n in (21, 24)),
        row(30, "declined", answerable=False, answerable_probability=0.1),
        row(31, "declined"),
        row(33, "wrong", answerable=False, answerable_probability=0.8),
    ]


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    data = room.gather(run(), [{**r, "outcome": "wrong"} for r in run()])
    page = room.render(data, "R & D")
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"(src|href)=\"(?!data:,)|https?://|<script|@import|url\(", page)
    assert "R &amp; D" in page
    assert "&lt;b&gt;Question" in page
    assert "<b>Question" not in page
    assert page.count("<svg") == 2
    assert "better" in page


def test_errors_are_grouped_with_their_reasons() -> None:
    data = room.gather(run())
    kinds = {group["kind"]: group["n"] for group in data["kinds"]}
    assert kinds == {
        "wrong": 2, "declined, but could be answered": 1, "answered, but can't be known": 1,
    }  # fmt: skip
    why = data["kinds"][0]["examples"][0]["why"]
    assert why == "not said: 45 days or six weeks; It is 5. — 5 is not in the evidence"
    assert data["articles"][0] == {"article": "a-0", "errors": 3, "n": 11}
    assert data["changes"] == []
    assert data["latency"]["n"] == 25


def test_a_run_of_faithfulness() -> None:
    rows = [
        {"line": 1, "status": "unsupported", "refused": False, "relevance": 0.4,
         "verdicts": [{"claim": "c", "status": "unsupported", "reason": "r", "passage_id": "p"},
                      {"claim": "d", "status": "supported", "reason": "r", "passage_id": "p"}]},
        {"line": 2, "error": "f:2: not valid JSON"},
    ]  # fmt: skip
    data = room.gather(rows)
    figures = {f["name"]: f["value"] for f in data["figures"]}
    assert figures["supported_sentences"] == 0.5
    assert data["failed"] == 1
    assert data["reliability"] == data["risk"] == []
    assert data["articles"] == [{"article": "p", "errors": 1, "n": 1}]
    page = room.render(data, "t")
    assert "not valid JSON" in page
    assert "<svg" not in page


def test_a_run_of_the_guard_shows_its_curves() -> None:
    rows = [
        {"file": "f", "line": n, "cascade": n / 10, "supported": n > 4, "claim": "c",
         "status": "supported" if n > 5 else "unsupported", "verdicts": []}
        for n in range(10)
    ]  # fmt: skip
    data = room.gather(rows)
    assert [g["kind"] for g in data["kinds"]] == ["refused a supported claim"]
    assert len(data["reliability"]) == 10


def test_nothing_wrong_is_said_so() -> None:
    assert "Nothing in this run." in room.render(room.gather([row(1)]), "t")


def test_bins_hold_all_rows_and_their_error_is_known() -> None:
    p = np.repeat([0.05, 0.95, 1.0], 100)
    y = np.concatenate([np.arange(100) < 5, np.arange(100) < 75, np.ones(100)])
    found = charts.bins(list(p), list(y.astype(bool)))
    assert [b.n for b in found] == [100, 200]
    assert charts.calibration_error(found) == pytest.approx(2 / 3 * (0.975 - 0.875))
    assert charts.calibration_error([]) == 0.0


def test_the_risk_curve_takes_equal_scores_together() -> None:
    points = charts.risk_curve([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
    assert points == [(0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert "polyline" in charts.risk_svg(points)
