"""A store, and a client that asks a service on it as somebody on this machine would."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.store.config import StoreConfig
from bot.store.store import Store, open_store
from tests.bot.client import serving
from tests.fakes import FakeEmbedder, FakeRetriever, parts

Client = Callable[..., TestClient]


class Retriever(FakeRetriever):
    """With an embedder, as the real one."""

    def __init__(self, embedder: Any = None) -> None:
        super().__init__()
        self.embedder = embedder or FakeEmbedder()


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(StoreConfig(url="sqlite://"))
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store) -> Iterator[Client]:
    """Makes clients of one service each; the service closes the store."""
    with ExitStack() as stack:

        def make(retriever: Any = None, **config: Any) -> TestClient:
            given = retriever or Retriever()
            made = stack.enter_context(serving(load=lambda: parts(given), store=store, **config))
            made.base_url = made.base_url.copy_with(host="127.0.0.1")
            made.follow_redirects = False
            return made

        yield make
