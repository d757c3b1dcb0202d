"""Connections that drop: what was missed is told, once; what nobody waits for is given up."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.bot.client import Event, events, say, serving
from tests.bot.service.server import listening
from tests.fakes import FakeStream

TEXTS = ("One is so.", "Two is so.", "Three is so.")
BODY = {"message": "How?", "message_id": "m1", "conversation_id": "c1", "stream": True}


class Gated(FakeStream):
    """Says one sentence for each `let`."""

    def __init__(self) -> None:
        super().__init__(*TEXTS, before=self._begin)
        self.begun = threading.Event()
        self.allowed = threading.Semaphore(0)

    def _begin(self) -> None:
        self.begun.set()

    def let(self, count: int = 1) -> None:
        self.allowed.release(count)

    def __call__(self, question: str, state: Any, **given: object) -> Iterator[Any]:
        for item in super().__call__(question, state, **given):
            if state.conversation_id != "self-test":
                self.allowed.acquire(timeout=5)
            yield item


def first_event(client: httpx.Client, body: Any, pipeline: Gated) -> tuple[str, str]:
    """Leaves after the first sentence; gives its id and what was read."""
    read = ""
    with client.stream("POST", "/v1/chat", json=body) as response:
        pipeline.let()
        for chunk in response.iter_text():
            read += chunk
            if "event: sentence" in read and read.endswith("\n\n"):
                break
    return ids(read)[-1], read


def ids(text: str) -> list[str]:
    return [line.removeprefix("id: ") for line in text.split("\n") if line.startswith("id: ")]


def names(found: list[Event]) -> list[str]:
    return [name for name, _ in found]


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("finished", [False, True])
def test_a_dropped_stream_goes_on_where_it_broke_off(finished: bool) -> None:
    pipeline = Gated()
    with listening(pipeline) as url, httpx.Client(base_url=url) as client:
        last, _ = first_event(client, BODY, pipeline)
        pipeline.let(3)
        if finished:
            wait_for(pipeline.closed.is_set)
        rest = client.post("/v1/chat", json=BODY, headers={"Last-Event-ID": last}).text
    found = events(rest)
    assert names(found) == ["sentence", "sentence", "reply"]
    assert [data["text"] for _, data in found] == [*TEXTS[1:], " ".join(TEXTS)]
    assert len(pipeline.seen) == 1


@pytest.mark.parametrize("last", ["", "-1", "elsewhere-2", "elsewhere-²", "x" * 100])
def test_an_id_that_is_not_known_gets_all_of_it(last: str) -> None:
    headers = [(b"Last-Event-ID", last.encode())]
    with serving(FakeStream(*TEXTS)) as client:
        say(client, **{k: v for k, v in BODY.items() if k != "message"})
        again = client.post("/v1/chat", json=BODY | {"message": "How long?"}, headers=headers)
    assert names(events(again.text)) == ["status", *["sentence"] * 3, "reply"]


def test_event_ids_count_up() -> None:
    with serving(FakeStream(*TEXTS)) as client:
        found = ids(say(client, stream=True).text)
    assert [each.rpartition("-")[2] for each in found] == ["0", "1", "2", "3", "4"]
    assert len({each.rpartition("-")[0] for each in found}) == 1


def test_two_listeners_hear_the_same_and_one_may_leave() -> None:
    pipeline = Gated()
    with (
        listening(pipeline, resume_s=0) as url,
        httpx.Client(base_url=url) as client,
        client.stream("POST", "/v1/chat", json=BODY) as staying,
    ):
        heard = staying.iter_text()
        read = next(heard)
        with client.stream("POST", "/v1/chat", json=BODY) as leaving:
            next(leaving.iter_text())
        pipeline.let(4)
        read += "".join(heard)
    assert names(events(read)) == ["status", *["sentence"] * 3, "reply"]
    assert len(pipeline.seen) == 1


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
def test_a_plain_request_ends_with_its_client(path: str) -> None:
    pipeline = Gated()
    body: Any = {"message": "How?"}
    if path.endswith("completions"):
        body = {"model": "truepenny", "messages": [{"role": "user", "content": "How?"}]}
    with listening(pipeline) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}{path}", json=body, timeout=httpx.Timeout(5, read=0.5))
        assert pipeline.begun.is_set()
        time.sleep(0.2)
        pipeline.let(4)
        wait_for(pipeline.closed.is_set)
    assert pipeline.said == [TEXTS[0]]


def test_what_nobody_comes_back_for_is_given_up_and_can_be_asked_again() -> None:
    pipeline = Gated()
    with listening(pipeline, resume_s=0.1) as url, httpx.Client(base_url=url) as client:
        first_event(client, BODY, pipeline)
        wait_for(lambda: client.get("/v1/conversations/c1").json()["unanswered"][0]["reason"])
        pipeline.let(4)
        wait_for(pipeline.closed.is_set)
        assert pipeline.said == list(TEXTS[:2])
        pipeline.let(4)
        again = client.post("/v1/chat", json=BODY)
    assert names(events(again.text)) == ["status", *["sentence"] * 3, "reply"]


def test_an_erased_conversation_is_not_told_from_memory() -> None:
    pipeline = FakeStream("One is so.")
    with serving(pipeline) as client:
        last = ids(client.post("/v1/chat", json=BODY).text)[0]
        client.delete("/v1/conversations/c1")
        pipeline.texts = ("Two is so.",)
        again = client.post("/v1/chat", json=BODY, headers={"Last-Event-ID": last}).text
    assert "One is so." not in again
    assert "Two is so." in again
