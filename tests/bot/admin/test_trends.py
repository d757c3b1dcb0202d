"""Numbers by day, and charts that say what the numbers say."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin.charts import HEIGHT, WIDTH, line_chart, nice, stacked_chart
from bot.admin.html import milliseconds, percent, web_link
from bot.admin.trends import by_day
from bot.admin.types import Said
from bot.store.store import Store
from tests.bot.admin.conftest import Client
from tests.bot.admin.seed import answer, declined, talk

TODAY = date(2026, 5, 3)


def said(day: int, action: str = "answer", ms: float = 100, *chances: float) -> Said:
    at = datetime(2026, 5, day, 12, tzinfo=UTC)
    return Said(at=at, action=action, timings={"total_ms": ms}, probabilities=chances)


def test_days_with_shares_latency_and_risk() -> None:
    given_ = [
        said(1, "answer", 100, 0.9, 0.7),
        said(1, "abstain", 300),
        said(3, "clarify", 50, 1.0),
    ]
    first, second, third = by_day(given_, TODAY, 3)
    assert [each.day for each in (first, second, third)] == [date(2026, 5, n) for n in (1, 2, 3)]
    assert (first.replies, first.share("answer"), first.share("abstain")) == (2, 0.5, 0.5)
    assert first.risk == pytest.approx(0.2)
    assert first.latency["total_ms"].p50 == 200
    assert first.latency["total_ms"].p95 == pytest.approx(290)
    assert "draft_ms" not in first.latency
    assert (second.replies, second.risk, second.latency, second.share("answer")) == (0, None, {}, 0)
    assert third.share("other") == 1
    assert third.risk == 0


def test_a_line_has_gaps_and_lone_points() -> None:
    days = [date(2026, 5, n) for n in range(1, 6)]
    chart = line_chart("t", "s", days, {"a": [1.0, 2.0, None, 4.0, None]}, " ms")
    [line] = chart.lines
    assert line.path.count("M") == 2
    assert len(line.points) == 1
    assert chart.rows[-1].label == "4 ms"
    assert [tick.label for tick in chart.columns][-1] == "5 May"


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=90))
def test_a_stack_stays_inside_and_its_pieces_touch(rows: list[list[float]]) -> None:
    days = [date(2026, 1, 1)] * len(rows)
    whole = [[part / (sum(row) or 1) for part in row] for row in rows]
    shares = {str(n): [row[n] for row in whole] for n in range(3)}
    for bar in stacked_chart("t", "s", days, shares).bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT


@given(st.floats(1e-6, 1e9))
def test_ticks_reach_the_most_and_are_few(most: float) -> None:
    ticks = nice(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most * (1 - 1e-6)
    assert 3 <= len(ticks) <= 6
    assert ticks[-2] < most


def test_the_page_has_charts_and_the_same_numbers_in_a_table(store: Store, client: Client) -> None:
    talk(store, "c1", "How long?", answer("c1", "You have 45 days.", probability=0.9))
    talk(store, "c2", "Norway?", declined("c2"), days=2)
    talk(store, "c3", "Quiet", declined("c3", text=""))
    text = client().get("/admin/trends").text
    assert "2 replies" in text
    assert text.count('role="img"') == 7, "shares, risk and five stages"
    assert "50% answered" in text
    assert "10%" in text
    assert "p50 980 ms" in text
    assert "style=" not in text


def test_how_numbers_are_written() -> None:
    assert [percent(x) for x in (None, 0.0, 0.004, 0.5, 1.0)] == ["–", "0%", "0.4%", "50%", "100%"]
    assert [milliseconds(x) for x in (None, 12.4, 1234)] == ["–", "12 ms", "1.2 s"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//a", "/x", "", None, "http://[", "https:"]
)
def test_what_is_no_web_link(url: str | None) -> None:
    assert web_link(url) is None
    assert web_link("https://help.example/a?b=c") == "https://help.example/a?b=c"
