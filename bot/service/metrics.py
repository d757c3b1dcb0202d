"""What Prometheus is told: replies, verdicts, stages, requests, the line, the estimated risk."""

from collections.abc import Callable, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

from bot.service.lane import Lane
from bot.types import Reply

__all__ = ["CONTENT_TYPE", "Metrics"]

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RISKS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """The counts of one app; no label holds what a customer or a client may choose."""

    def __init__(self) -> None:
        self.registry = made = CollectorRegistry()
        Info("truepenny", "The release.", registry=made).info({"version": version("truepenny")})
        self._replies = Counter(
            "truepenny_replies", "Replies by what was done, why, and which model wrote.",
            ("action", "cause", "model"), registry=made,
        )  # fmt: skip
        self._verdicts = Counter(
            "truepenny_verdicts", "Verdicts of the guard on sentences of replies.",
            ("status", "guard"), registry=made,
        )  # fmt: skip
        self._stages = Histogram(
            "truepenny_stage_seconds", "Time of a reply's stages; total is all of it.",
            ("stage",), buckets=SECONDS, registry=made,
        )  # fmt: skip
        self._risk = Histogram(
            "truepenny_reply_risk",
            "Estimated share of an answer's sentences that aren't supported: 1 - probability.",
            buckets=RISKS, registry=made,
        )  # fmt: skip
        self._reuse = Counter(
            "truepenny_reuse", "Replies by whether a verified one was at hand.", ("result",),
            registry=made,
        )  # fmt: skip
        self._failures = Counter(
            "truepenny_reply_failures", "Replies that came to nothing.", ("kind",), registry=made
        )
        self._requests = Histogram(
            "truepenny_request_seconds", "Requests by route and status; a stream until its end.",
            ("method", "route", "status"), buckets=SECONDS, registry=made,
        )  # fmt: skip
        self._waiting = Gauge(
            "truepenny_waiting", "Pieces of work that wait for their turn.", ("lane",),
            registry=made,
        )  # fmt: skip
        self._ready = Gauge("truepenny_ready", "1 if the service can answer.", registry=made)
        self._index = Gauge(
            "truepenny_index_info", "1 for the index that serves.", ("version",), registry=made
        )
        self._collect: Callable[[], None] = lambda: None

    def reply(self, reply: Reply) -> None:
        """Counts a reply with its verdicts and times."""
        self._replies.labels(reply.action, reply.cause or "none", reply.model or "none").inc()
        for verdict in reply.review.verdicts if reply.review else ():
            self._verdicts.labels(verdict.status, verdict.guard).inc()
        for name, spent in reply.timings.items():
            self._stages.labels(name.removesuffix("_ms")).observe(spent / 1000)
        if reply.action == "answer" and reply.sentences:
            doubts = [1 - (s.probability or 0.0) for s in reply.sentences]
            self._risk.observe(sum(doubts) / len(doubts))

    def reuse(self, found: bool) -> None:
        """Counts a reply as served again or made."""
        self._reuse.labels("hit" if found else "miss").inc()

    def failure(self, kind: str) -> None:
        """Counts a reply that came to nothing: an error's name, or "stopped"."""
        self._failures.labels(kind).inc()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request; `route` is the pattern, not the address."""
        known = method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)

    def watch(self, lanes: Mapping[str, Lane], index: Callable[[], str | None]) -> None:
        """Reads these whenever it is asked: lines, and the version of an index that is ready."""

        def collect() -> None:
            for name, lane in lanes.items():
                self._waiting.labels(name).set(lane.waiting)
            found = index()
            self._ready.set(found is not None)
            self._index.clear()
            if found:
                self._index.labels(found).set(1)

        self._collect = collect

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        self._collect()
        return generate_latest(self.registry)
