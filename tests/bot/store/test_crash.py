"""Two services share a database and are killed at random: nothing lost, doubled, out of order."""

import asyncio
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.store.config import StoreConfig
from bot.store.store import open_store

ROOT = Path(__file__).parents[3]


@dataclass(kw_only=True)
class Pair:
    """Two processes of the service, on ports of their own."""

    url: str
    pause_s: float
    ports: list[int] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0

    def start(self, port: int) -> subprocess.Popen[bytes]:
        module = ["-m", "tests.bot.store.worker", str(port), self.url, str(self.pause_s)]
        return subprocess.Popen([sys.executable, *module], cwd=ROOT)

    def kill(self, n: int) -> None:
        self.processes[n].kill()
        self.processes[n].wait(10)
        self.processes[n] = self.start(self.ports[n])
        self.kills += 1

    async def until_ready(self, client: httpx.AsyncClient, n: int) -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    ready = await client.get(f"http://127.0.0.1:{self.ports[n]}/readyz")
                    if ready.status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)


@contextmanager
def two(url: str, pause_s: float) -> Iterator[Pair]:
    pair = Pair(url=url, pause_s=pause_s)
    for _ in range(2):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            pair.ports.append(found.getsockname()[1])
    pair.processes = [pair.start(port) for port in pair.ports]
    try:
        yield pair
    finally:
        for process in pair.processes:
            process.kill()
            process.wait(10)


async def send(client: httpx.AsyncClient, pair: Pair, body: dict[str, str]) -> dict[str, Any]:
    """Sends a message to either process, again and again until there is a reply."""
    while True:
        port = random.choice(pair.ports)
        try:
            response = await client.post(f"http://127.0.0.1:{port}/v1/chat", json=body)
        except httpx.TransportError:  # it was killed
            await asyncio.sleep(0.05)
            continue
        if response.status_code == 200:
            return dict(response.json())
        assert response.status_code in (429, 503, 504), response.text
        await asyncio.sleep(0.05)


async def talk(client: httpx.AsyncClient, pair: Pair, name: str, kills: int) -> list[Any]:
    """Sends two messages at once, and again as long as there are kills to come."""
    got: list[Any] = []
    while pair.kills < kills or not got:
        texts = [f"{name}-{len(got) + n}" for n in range(2)]
        bodies = [{"message": t, "message_id": t, "conversation_id": name} for t in texts]
        got += await asyncio.gather(*(send(client, pair, body) for body in bodies))
        await asyncio.sleep(random.uniform(0, 0.5))
    return got


async def converse(pair: Pair, conversations: int, kills: int) -> dict[str, list[Any]]:
    names = [f"c{n}" for n in range(conversations)]
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        for n in range(2):
            await pair.until_ready(client, n)
        talks = asyncio.gather(*(talk(client, pair, name, kills) for name in names))
        while pair.kills < kills:
            await asyncio.sleep(random.uniform(0.1, 0.6))
            n = random.randrange(2)
            await asyncio.to_thread(pair.kill, n)
            await pair.until_ready(client, n)
        return dict(zip(names, await talks, strict=True))


def check(url: str, told: dict[str, list[Any]]) -> int:
    """Compares what was told with what is on record; gives the number of messages."""
    store = open_store(StoreConfig(url=url))
    try:
        for name, replies in told.items():
            kept = store.conversations.export(name) or {"messages": []}
            messages = kept["messages"]
            assert len(messages) == len(replies)  # none lost, none doubled
            stored = [message["reply"]["text"] for message in messages]
            expected = [f"{n}: {message['text']}" for n, message in enumerate(messages)]
            assert stored == expected  # each saw all before it, and nothing else
            assert sorted(stored) == sorted(reply["text"] for reply in replies)
            ids = [message["reply"]["reply_id"] for message in messages]
            assert sorted(ids) == sorted(reply["reply_id"] for reply in replies)
            turns = [turn["text"] for turn in kept["state"]["turns"]]
            pairs = [
                text for message in messages for text in (message["text"], message["reply"]["text"])
            ]
            assert turns == pairs[-50:]
        return sum(len(replies) for replies in told.values())
    finally:
        store.close()


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_a_killed_process_loses_and_doubles_nothing(url: str) -> None:
    with two(url, pause_s=0.02) as pair:
        told = asyncio.run(converse(pair, conversations=4, kills=1))
    assert check(url, told) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_fifty_conversations_and_twenty_kills(url: str) -> None:
    with two(url, pause_s=0.01) as pair:
        told = asyncio.run(converse(pair, conversations=50, kills=20))
    print(f"{check(url, told)} messages")
