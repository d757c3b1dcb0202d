"""For every test: no network but loopback, the same random numbers, no settings from outside."""

import ipaddress
import os
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("truepenny", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("truepenny")


# what runs against the clock, in processes and browsers: a busy machine can be late for it
AGAINST_THE_CLOCK = ("bot/integrations", "bot/service", "bot/store", "bot/widget", "bot/admin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Such tests may fail once before it counts; pytest says so in its summary."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(AGAINST_THE_CLOCK):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=1))


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Fails the test that reaches out; a BaseException, so that no `except Exception` hides it."""
    connect, connect_ex, look_up = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded(self: socket.socket, address: Any) -> None:
        _check(self.family, address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        _check(self.family, address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **more: Any) -> Any:
        _check(socket.AF_INET, (host,))
        return look_up(host, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.fixture(autouse=True)
def _repeatable() -> Iterator[None]:
    """Seeds, and no TRUEPENNY_ variables of the machine."""
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TRUEPENNY_")]:
            patch.delenv(name)
        yield


def _check(family: int, address: Any) -> None:
    if family == getattr(socket, "AF_UNIX", None):
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if not _local(host):
        pytest.fail(f"a test tried to reach {address!r}: the network is blocked")


def _local(host: str | None) -> bool:
    if not host or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny BERT and its tokenizer; torch keeps to one thread from now on."""
    import torch

    from tests.models import tiny_bert

    torch.set_num_threads(1)  # such small matrices gain nothing from more, and busy cores lose

    return tiny_bert.bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def tiny_adapter(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random adapter for the tiny BERT."""
    from tests.models import tiny_bert

    return tiny_bert.adapter(tiny_encoder, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="session")
def tiny_verifier(
    tiny_encoder: Path, tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The two, merged and exported: a folder with model.onnx."""
    from models.encoder import _export_verifier

    folder = tmp_path_factory.mktemp("verifier-onnx-tiny")
    _export_verifier(tiny_encoder, tiny_adapter, folder)
    return folder
