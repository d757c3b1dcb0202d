"""The admin's pages, each from its data to its HTML."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bot.admin.grouping import SHOWN, Grouping
from bot.admin.html import percent, render
from bot.admin.queries import MOST_ASKED, MOST_SAID, Queries
from bot.admin.trends import OUTCOMES, STAGES, Period, by_day, period
from bot.admin.types import Search
from bot.service.lane import Lane
from bot.service.readiness import Readiness
from bot.store.types import now

if TYPE_CHECKING:
    from bot.admin.charts import Chart
    from bot.store.store import Store


class Pages:
    """The pages. Those that aren't `async` block on the store.

    Args:
        store: What is remembered.
        readiness: Has the embedder, once it is loaded.
        lookups: Where the embedder works.
    """

    def __init__(self, store: "Store", readiness: Readiness, lookups: Lane) -> None:
        self._queries = Queries(store.database)
        self._grouping = Grouping(readiness, lookups)

    def conversations(self, search: Search) -> bytes:
        """The list, and the form to search it."""
        found = self._queries.conversations(search)
        chosen = search.model_dump(exclude={"page"}, exclude_none=True, exclude_defaults=True)
        query = urlencode({**chosen, "page": ""})
        return render(
            "conversations.html", here="conversations", search=search, found=found, query=query
        )

    def conversation(self, conversation_id: str) -> bytes | None:
        """One conversation with its verdicts; None if there is none."""
        found = self._queries.conversation(conversation_id)
        if found is None:
            return None
        return render("conversation.html", here="conversations", conversation=found)

    async def unanswered(self, days: int) -> bytes:
        """Questions without an answer, by meaning."""
        asked = await asyncio.to_thread(self._queries.unanswered, days)
        groups, notice = await self._grouping.groups(asked)
        return render(
            "unanswered.html", here="unanswered", groups=groups[:SHOWN], more=groups[SHOWN:],
            count=len(asked), cut=len(asked) == MOST_ASKED, notice=notice, days=days,
        )  # fmt: skip

    def feedback(self, rating: str | None, page: int) -> bytes:
        """Thumbs, with their reasons."""
        found, counts = self._queries.feedback(rating, page), self._queries.ratings()
        query = urlencode({"rating": rating or "", "page": ""})
        return render(
            "feedback.html", here="feedback", found=found, counts=counts, rating=rating, query=query
        )

    def handoffs(self, page: int) -> bytes:
        """What went to a person."""
        found = self._queries.handoffs(page)
        return render("handoffs.html", here="handoffs", found=found, query="page=")

    def trends(self, days: int) -> bytes:
        """Latency and risk over time."""
        said = self._queries.said(days)
        daily = by_day(said, now().date(), days)
        whole = period(said)
        return render(
            "trends.html", here="trends", days=days, daily=daily, whole=whole, stages=STAGES,
            outcomes=OUTCOMES, shares=_shares(daily, whole), risk=_risk(daily, whole),
            latency=_latency(daily, whole), cut=len(said) == MOST_SAID,
        )  # fmt: skip


def _shares(daily: Sequence[Period], whole: Period) -> "Chart":
    from bot.admin.charts import stacked_chart

    parts = (f"{percent(whole.share(key))} {label.lower()}" for key, label in OUTCOMES.items())
    shares = {label: [d.share(key) for d in daily] for key, label in OUTCOMES.items()}
    return stacked_chart("How replies ended", ", ".join(parts), _days(daily), shares)


def _risk(daily: Sequence[Period], whole: Period) -> "Chart":
    from bot.admin.charts import line_chart

    values = {"Mean": [None if d.risk is None else 100 * d.risk for d in daily]}
    summary = f"{percent(whole.risk)} over all days"
    return line_chart(
        "Probability that a sentence isn’t supported", summary, _days(daily), values, "%"
    )


def _latency(daily: Sequence[Period], whole: Period) -> "list[Chart]":
    from bot.admin.charts import line_chart

    charts = []
    for stage, label in STAGES.items():
        if stage not in whole.latency:
            continue
        found = [d.latency.get(stage) for d in daily]
        series = {
            "half are faster": [each.p50 if each else None for each in found],
            "95% are faster": [each.p95 if each else None for each in found],
        }
        overall = whole.latency[stage]
        summary = f"p50 {overall.p50:.0f} ms, p95 {overall.p95:.0f} ms over all days"
        charts.append(line_chart(label, summary, _days(daily), series, " ms"))
    return charts


def _days(daily: Sequence[Period]) -> list[date]:
    return [each.day for each in daily if each.day]
