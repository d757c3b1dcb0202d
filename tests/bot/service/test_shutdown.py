"""Stopping the service under load: what is in the line is answered before it ends."""

import threading
from typing import Any

import httpx
import uvicorn

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from tests.bot.client import events
from tests.fakes import FakeStream, parts

TEXTS = ("One is so.", "Two is so.")


def test_replies_in_flight_are_finished() -> None:
    gate, ready, begun = threading.Event(), threading.Event(), threading.Event()
    stream = FakeStream(*TEXTS, gate=gate, before=begun.set)
    app = create_app(parts, ServiceConfig(), stream=stream, told=lambda r: ready.set())
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, ws="none", timeout_graceful_shutdown=20)
    )
    serving = threading.Thread(target=server.run)
    serving.start()
    assert ready.wait(10)
    while not server.started:
        pass
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/chat"
    got: list[Any] = []

    def ask(streamed: bool) -> None:
        got.append(httpx.post(url, json={"message": "How?", "stream": streamed}, timeout=20))

    asking = [threading.Thread(target=ask, args=(streamed,)) for streamed in (True, False, True)]
    for thread in asking:
        thread.start()
    assert begun.wait(10)
    while app.state.service.replies.waiting < 2:
        pass
    server.should_exit = True  # what SIGTERM sets
    gate.set()
    for thread in (*asking, serving):
        thread.join(20)
    assert not serving.is_alive()
    assert [response.status_code for response in got] == [200] * 3
    streams = [r for r in got if r.headers["content-type"].startswith("text/event-stream")]
    assert [events(r.text)[-1][1]["text"] for r in streams] == [" ".join(TEXTS)] * 2
