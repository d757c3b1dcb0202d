"""Customers who ask at once, as a process: questions as JSON on stdin, what they saw on stdout.

Run by `bench.load`: python -m bench.customers URL FORM CUSTOMERS SECONDS. FORM is "events" for
our Server-Sent Events, "text" for the naive service's plain text. Each customer asks, reads the
reply to its end, and asks the next; who is refused waits as told and asks the same again.

Not locust: it patches the standard library for gevent at import, brings twenty packages, and
rounds the times that it keeps to two digits.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Literal

import httpx

PATIENCE_S = 180.0
JITTER_S = 1.0
BEGUN = "asking"
_SENTENCE = re.compile(r"[.!?][\"')”]*\s")


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request. `began` and `ended` are times of day; `first_s` and `whole_s` count seconds.

    accepted: its stream had begun. reply: it came to its end; refused: 429 or 503 with a time to
    come again; closed: no connection; error: all else.
    """

    began: float = field(default_factory=time.time)
    ended: float = 0.0
    accepted: bool = False
    first_s: float | None = None
    whole_s: float | None = None
    outcome: Literal["reply", "refused", "closed", "error"] = "error"
    action: str = ""
    detail: str = ""
    retry_s: float = 0.0

    def first(self) -> None:
        """Notes that the first sentence is there."""
        if self.first_s is None:
            self.first_s = time.time() - self.began


Read = Callable[[httpx.Response, Seen], Awaitable[None]]


async def crowd(
    client: httpx.AsyncClient, read: Read, questions: Iterator[str], customers: int, until: float
) -> list[Seen]:
    """All that the customers saw who began to ask before `until` (time of day)."""
    seen: list[Seen] = []

    async def customer() -> None:
        for question in questions:
            while time.time() < until:
                got = await ask(client, question, read)
                seen.append(got)
                if got.outcome == "closed":
                    return
                if got.outcome != "refused":
                    break
                await asyncio.sleep(got.retry_s + random.uniform(0, JITTER_S))
            else:
                return

    await asyncio.gather(*(customer() for _ in range(customers)))
    return seen


async def ask(client: httpx.AsyncClient, question: str, read: Read) -> Seen:
    """Asks one question and reads what comes."""
    seen = Seen()
    try:
        body = {"message": question, "stream": True}
        async with client.stream("POST", "/v1/chat", json=body) as response:
            retry = response.headers.get("retry-after", "")
            if response.status_code == 200:
                await read(response, seen)
            elif response.status_code in (429, 503) and retry.isdigit():
                seen.outcome, seen.retry_s = "refused", float(retry)
            else:
                await response.aread()
                seen.detail = f"{response.status_code}: {response.text[:200]}"
    except httpx.ConnectError as error:
        seen.outcome, seen.detail = "closed", repr(error)
    except httpx.HTTPError as error:
        seen.detail = repr(error)
    seen.ended = time.time()
    return seen


async def events(response: httpx.Response, seen: Seen) -> None:
    """Reads our events: `first_s` is the first sentence's, or the reply's that has none."""
    async for name, data in _events(response):
        seen.accepted = True
        if name == "sentence":
            seen.first()
        elif name == "reply":
            seen.first()
            seen.outcome, seen.whole_s = "reply", time.time() - seen.began
            seen.action = json.loads(data)["action"]
        elif name == "error":
            seen.detail = data[:200]
    if seen.outcome == "error" and not seen.detail:
        seen.detail = "the stream ended without a reply"


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    name = ""
    async for line in response.aiter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, value


async def text(response: httpx.Response, seen: Seen) -> None:
    """Reads plain text: `first_s` is when a sentence's end and something after it were there."""
    said = ""
    async for piece in response.aiter_text():
        seen.accepted = True
        said += piece
        if _SENTENCE.search(said):
            seen.first()
    seen.first()
    seen.outcome, seen.whole_s = "reply", time.time() - seen.began


async def _main(url: str, form: str, customers: str, seconds: str) -> list[Seen]:
    questions = json.load(sys.stdin)
    print(BEGUN, flush=True)
    until = time.time() + float(seconds)
    # Shorter than a server's: else a connection may be closed while it is taken up again.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
    async with httpx.AsyncClient(
        base_url=url, timeout=PATIENCE_S, limits=limits, trust_env=False
    ) as client:
        read = events if form == "events" else text
        return await crowd(client, read, iter(questions), int(customers), until)


if __name__ == "__main__":
    for each in asyncio.run(_main(*sys.argv[1:])):
        print(json.dumps(asdict(each)))
