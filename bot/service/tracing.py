"""Traces of replies: one span a reply, one for each of its stages, an event for each sentence.

The pipeline tells how long its stages took, not when: their spans have true lengths, and follow
each other from the reply's beginning.
"""

import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import NoOpTracer, Span, Status, StatusCode, Tracer, set_span_in_context

from bot.service.logs import REQUEST_ID
from bot.service.metrics import Metrics
from bot.service.readiness import Stream
from bot.types import Reply, Sentence, State
from models.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

OTLP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
STAGES = ("retrieve_ms", "verify_ms", "draft_ms")


class Tracing:
    """Where spans go: nowhere, to a collector, or to a test's exporter."""

    def __init__(self, endpoint: str = "", exporter: "SpanExporter | None" = None) -> None:
        self.tracer: Tracer = NoOpTracer()
        self._provider: Any = None
        if endpoint or exporter:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            self._provider = TracerProvider(resource=Resource.create({"service.name": "truepenny"}))
            self._provider.add_span_processor(BatchSpanProcessor(exporter or _otlp(endpoint)))
            self.tracer = self._provider.get_tracer("truepenny")

    def close(self) -> None:
        """Sends what is left."""
        if self._provider:
            self._provider.shutdown()


def observed(stream: Stream, metrics: Metrics, tracer: Tracer) -> Stream:
    """The same pipeline, counted and traced. Neither sees what is asked or said."""

    def run(question: str, state: State, **parts: object) -> Iterator[Sentence | State | Reply]:
        began = time.time_ns()
        span = tracer.start_span("reply", start_time=began)
        span.set_attribute("truepenny.request_id", REQUEST_ID.get())
        ended = False
        try:
            for item in stream(question, state, **parts):
                if isinstance(item, Reply):
                    ended = True
                    metrics.reply(item)
                    _describe(span, item)
                    _stages(tracer, span, began, item.timings)
                elif isinstance(item, Sentence):
                    span.add_event("sentence", {"truepenny.status": item.status})
                yield item
        except GeneratorExit:
            if not ended:
                metrics.failure("stopped")
                span.set_attribute("truepenny.stopped", True)
            raise
        except Exception as error:
            metrics.failure(type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

    return run


def _describe(span: Span, reply: Reply) -> None:
    span.set_attributes(
        {
            "truepenny.action": reply.action,
            "truepenny.cause": reply.cause or "none",
            "truepenny.model": reply.model,
            "truepenny.sentences": len(reply.sentences),
            "truepenny.index_version": reply.index_version,
        }
    )


def _stages(tracer: Tracer, span: Span, began: int, timings: Mapping[str, float]) -> None:
    context, at = set_span_in_context(span), began
    for name in STAGES:
        if name in timings:
            ends = at + int(timings[name] * 1e6)
            tracer.start_span(name.removesuffix("_ms"), context, start_time=at).end(ends)
            at = ends


def _otlp(endpoint: str) -> "SpanExporter":
    try:
        package = import_module(OTLP)
    except ImportError:
        raise ConfigError(
            f"[service] trace_endpoint = {endpoint!r} needs a package that isn't installed: "
            "pip install opentelemetry-exporter-otlp-proto-http, or leave trace_endpoint empty"
        ) from None
    exporter: SpanExporter = package.OTLPSpanExporter(endpoint=endpoint)
    return exporter
