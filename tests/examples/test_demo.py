"""The demo: the flows and their order service come and go with it."""

import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from bot.dialogue.actions import Caller
from bot.dialogue.flows import load_flows
from bot.dialogue.parts import SECRET
from examples import demo

ORDER = {"order_number": "FW-20400123", "email": "sam@mail.example"}


def run(monkeypatch: pytest.MonkeyPatch, serve: Any) -> Any:
    import typer

    app = typer.Typer()
    app.command()(demo.main)
    monkeypatch.setattr(demo, "serve", serve)
    return CliRunner().invoke(app, ["--index", "var/x", "--port", "8099"])


def test_the_sample_flows_reach_their_order_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (demo.FLOWS, demo.URL, SECRET):
        monkeypatch.setenv(name, "")  # so that what the demo sets is taken back
        monkeypatch.delenv(name)
    seen: dict[str, Any] = {}

    def serve(index: Path, port: int) -> None:
        flows = load_flows(Path(os.environ[demo.FLOWS]))
        seen["url"] = os.environ[demo.URL]
        caller = Caller(url=seen["url"], secret=os.environ[SECRET])
        seen["done"] = caller.call(flows.actions["find_order"], ORDER, "k1")
        path = "/orders/FW-20400123?email=sam@mail.example"
        seen["unsigned"] = httpx2.get(f"{seen['url']}{path}").status_code
        seen["given"] = (str(index), port)

    done = run(monkeypatch, serve)
    assert done.exit_code == 0, done.output
    assert seen["done"].values["status"] == "Dispatched"
    assert seen["unsigned"] == 401
    assert seen["given"] == ("var/x", 8099)
    assert "where is my order" in done.stderr
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(seen["url"])


def test_flows_that_the_environment_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(demo.FLOWS, "mine")
    monkeypatch.delenv(demo.URL, raising=False)
    seen: list[Any] = []
    done = run(monkeypatch, lambda **given: seen.append((given, os.environ.get(demo.URL))))
    assert done.exit_code == 0, done.output
    assert seen == [({"index": Path("var/x"), "port": 8099}, None)]
