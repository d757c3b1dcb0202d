"""A client for a service over fakes, and what a problem must look like."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from tests.fakes import FakeStream, parts

Event = tuple[str, dict[str, Any]]


@contextmanager
def serving(
    stream: Any = None,
    load: Callable[[], Any] = parts,
    wait: bool = True,
    store: Any = None,
    integrations: Any = None,
    **config: Any,
) -> Iterator[TestClient]:
    known = threading.Event()
    app = create_app(
        load, ServiceConfig(**config), stream=stream or FakeStream(), store=store,
        integrations=integrations,
        told=lambda r: known.set(),
    )  # fmt: skip
    with TestClient(app, raise_server_exceptions=True) as client:
        assert not wait or known.wait(5)
        yield client


def events(text: str) -> list[Event]:
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line[0] != ":")
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def say(client: TestClient, message: Any = "How long?", **more: Any) -> Any:
    return client.post("/v1/chat", json={"message": message, **more})


def assert_problem(response: Any, status: int, kind: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert response.status_code == status, problem
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    assert problem["status"] == status
    assert problem["type"] == f"urn:truepenny:problem:{kind}"
    return problem


def bearing(header: str | None) -> dict[bytes, bytes]:
    return {b"Authorization": header.encode()} if header else {}
