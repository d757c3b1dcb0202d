"""What those who run the service see: metrics, traces, logs, and no word of a customer."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from bot.service.logs import REQUEST_ID, Json
from bot.service.tracing import Tracing
from models.errors import ConfigError
from tests.bot.client import assert_problem, say, serving
from tests.fakes import FakeStream, parts

ROOT = Path(__file__).parents[3]
SECRET = "my card ends in 4242"


def samples(client: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = client.get("/metrics").text
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def labelled(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_replies_are_counted_by_action_and_cause() -> None:
    with serving() as client:
        say(client, SECRET)
        say(client, SECRET, stream=True)
        found = samples(client)
        text = client.get("/metrics").text
    counted = labelled("truepenny_replies_total", action="answer", cause="none", model="none")
    assert found[counted] == 2
    assert found[labelled("truepenny_stage_seconds_count", stage="total")] == 2
    assert found[labelled("truepenny_reply_risk_count")] == 2
    assert found[labelled("truepenny_reply_risk_sum")] == 0
    asked = labelled(
        "truepenny_request_seconds_count", method="POST", route="/v1/chat", status="200"
    )
    assert found[asked] == 2
    assert found[labelled("truepenny_ready")] == 1
    assert found[labelled("truepenny_index_info", version="fake-1")] == 1
    assert found[labelled("truepenny_waiting", lane="replies")] == 0
    assert SECRET not in text


def test_a_reply_that_fails_is_counted() -> None:
    with serving(FakeStream(error=ValueError(SECRET))) as client:
        say(client)
        found = samples(client)
    assert found[labelled("truepenny_reply_failures_total", kind="ValueError")] == 1


def test_an_unknown_path_is_no_label() -> None:
    with serving() as client:
        client.get(f"/{SECRET}")
        assert SECRET not in client.get("/metrics").text


def test_metrics_need_the_scope_admin_where_keys_are_needed() -> None:
    with serving(keys=("secret",)) as client:
        assert_problem(client.get("/metrics"), 401, "unauthorized")
        assert client.get("/metrics", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_the_dashboard_names_metrics_that_exist() -> None:
    board = json.loads((ROOT / "deploy/grafana/truepenny.json").read_text())
    queries = [t["expr"] for panel in board["panels"] for t in panel.get("targets", ())]
    with serving() as client:
        say(client)
        names = {name for name, _ in samples(client)}
        names |= set(re.findall(r"# TYPE (\w+)", client.get("/metrics").text))
    used = {name for query in queries for name in re.findall(r"\btruepenny_\w+", query)}
    kinds = ("_bucket", "_count", "_sum", "_total")
    bases = names | {f"{name}{kind}" for name in names for kind in kinds}
    assert len(queries) >= 8
    assert used
    assert used <= bases


def test_a_reply_is_a_span_with_its_stages() -> None:
    exporter = InMemorySpanExporter()
    app = create_app(
        parts, ServiceConfig(), stream=_Timed(), spans=exporter, told=lambda ready: None
    )
    with TestClient(app) as client:
        while client.get("/readyz").status_code != 200:
            pass
        headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "X-Request-ID": "request-1"}
        client.post("/v1/chat", json={"message": SECRET}, headers=headers)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    reply = spans["reply"]
    assert set(spans) == {"reply", "retrieve", "verify", "draft"}
    assert format(reply.context.trace_id, "032x") == "a" * 32
    assert spans["draft"].parent.span_id == reply.context.span_id  # type: ignore[union-attr]
    assert spans["draft"].end_time - spans["draft"].start_time == 20_000_000  # type: ignore[operator]
    assert reply.attributes
    assert reply.attributes["truepenny.request_id"] == "request-1"
    assert [event.name for event in reply.events] == ["sentence"]
    assert SECRET not in "".join(span.to_json() for span in spans.values())


def test_traces_need_a_package_only_if_they_are_wanted() -> None:
    Tracing().close()
    with pytest.raises(ConfigError, match="opentelemetry-exporter-otlp-proto-http"):
        Tracing("http://127.0.0.1:4318/v1/traces")


def test_a_request_has_an_id_that_the_log_names(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as client, caplog.at_level(logging.INFO, "truepenny.service"):
        given = client.get("/healthz", headers={"X-Request-ID": "from-the-proxy"})
        made = client.get("/healthz", headers={"X-Request-ID": "x\n" * 50 + "bad id"})
    assert given.headers["x-request-id"] == "from-the-proxy"
    assert re.fullmatch("[0-9a-f]{32}", made.headers["x-request-id"])
    data: Any = next(record for record in caplog.records if hasattr(record, "data"))
    assert data.data["route"] == "/healthz"


def test_json_logs_are_objects_and_masked() -> None:
    token = REQUEST_ID.set("request-1")
    record = logging.LogRecord("t", logging.INFO, "", 1, "for %s", ("ann@shop.example",), None)
    record.data = {"status": 200}
    line = json.loads(Json().format(record))
    REQUEST_ID.reset(token)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info", "logger": "t", "message": "for [email]", "status": 200,
        "request_id": "request-1",
    }  # fmt: skip


class _Timed(FakeStream):
    """Replies that tell their stages."""

    def __call__(self, question: str, state: Any, **given: object) -> Any:
        from dataclasses import replace

        from bot.types import Reply

        for item in super().__call__(question, state, **given):
            timed = {"retrieve_ms": 5.0, "verify_ms": 7.0, "draft_ms": 20.0, "total_ms": 40.0}
            yield replace(item, timings=timed) if isinstance(item, Reply) else item
