"""A bot that listens, and a Chatwoot that calls it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from bot.integrations.config import IntegrationsConfig
from bot.service.app import create_app
from bot.service.config import ServiceConfig
from bot.store.config import StoreConfig
from bot.store.store import Store, open_store
from tests.bot.integrations.chatwoot_server import ACCOUNT, SECRET, TOKEN, ChatwootServer
from tests.fakes import FakeStream, parts

Bot = Callable[..., Any]


@contextmanager
def bot(chatwoot: ChatwootServer, stream: Any = None, **more: Any) -> Iterator[Store]:
    """The service, linked to Chatwoot; gives its store."""
    store = open_store(StoreConfig(url=more.pop("url", "sqlite://"), lease_s=0.5))
    given = {
        "chatwoot_url": chatwoot.url, "chatwoot_account": ACCOUNT, "chatwoot_token": TOKEN,
        "chatwoot_secret": SECRET, "timeout_s": 0.4, "retry_s": 0.05,
    } | more.pop("integrations", {})  # fmt: skip
    known = threading.Event()
    app = create_app(
        more.pop("load", parts), ServiceConfig(**more), stream=stream or FakeStream(), store=store,
        integrations=IntegrationsConfig(**given), told=lambda r: known.set(),
    )  # fmt: skip
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        assert known.wait(10)
        chatwoot.bot_url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield store
        chatwoot.quiet()
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def chatwoot() -> Iterator[ChatwootServer]:
    with ChatwootServer() as server:
        yield server
