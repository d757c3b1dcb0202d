"""The service on a loopback port, in a thread: for clients that bring their own HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from tests.fakes import FakeStream, parts


@contextmanager
def listening(
    stream: Any = None, store: Any = None, load: Callable[[], Any] = parts, **config: Any
) -> Iterator[str]:
    """The URL of a service over fakes that is ready."""
    known = threading.Event()
    app = create_app(
        load, ServiceConfig(**config), stream=stream or FakeStream(), store=store,
        told=lambda r: known.set(),
    )  # fmt: skip
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert known.wait(10)
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
