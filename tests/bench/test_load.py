"""The load bench: what customers see is told as it is, and the naive service streams."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from bench import load as bench
from bench import process
from bench.customers import Read, Seen, ask, crowd, events, text
from bench.load import Load, compared, misses
from bench.questions import different, zipf
from bench.rag_service import create_app, rag
from tests.bot.pipeline import QUESTION, opened, pipeline
from tests.fakes import FakeGenerator, passage

STUB = Path(__file__).with_name("stub_service.py")
Handler = Callable[[httpx.Request], httpx.Response]


def event(name: str, **data: Any) -> str:
    return f"id: x-1\nevent: {name}\ndata: {json.dumps(data)}\n\n"


REPLIED = event("status", text="looking") + event("sentence", text="A.") + ": still here\n\n"
WHOLE = REPLIED + event("reply", action="answer")


def asked(handler: Handler, read: Read = events) -> Seen:
    async def run() -> Seen:
        transport = httpx.MockTransport(handler)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await ask(client, "How?", read)

    return asyncio.run(run())


def gone(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("handler", "outcome", "accepted"),
    [
        (lambda r: httpx.Response(200, text=WHOLE), "reply", True),
        (lambda r: httpx.Response(200, text=REPLIED), "error", True),
        (lambda r: httpx.Response(200, text=REPLIED + event("error", status=500)), "error", True),
        (lambda r: httpx.Response(429, headers={"Retry-After": "5"}), "refused", False),
        (lambda r: httpx.Response(503, headers={"Retry-After": "5"}), "refused", False),
        (lambda r: httpx.Response(503, text="no time to come again"), "error", False),
        (lambda r: httpx.Response(504, headers={"Retry-After": "5"}), "error", False),
        (gone, "closed", False),
    ],
)
def test_each_end_is_told_apart(handler: Handler, outcome: str, accepted: bool) -> None:
    seen = asked(handler)
    assert (seen.outcome, seen.accepted) == (outcome, accepted)
    assert seen.ended >= seen.began
    assert (seen.whole_s is not None) == (outcome == "reply")
    assert seen.retry_s == (5 if outcome == "refused" else 0)


def test_events_tell_the_first_sentence_and_the_action() -> None:
    seen = asked(lambda r: httpx.Response(200, text=WHOLE))
    assert seen.action == "answer"
    assert seen.first_s is not None
    assert seen.whole_s is not None
    assert 0 <= seen.first_s <= seen.whole_s
    declined = event("status") + event("reply", action="abstain")
    assert asked(lambda r: httpx.Response(200, text=declined)).first_s is not None


def test_plain_text_has_its_first_sentence_when_the_next_begins() -> None:
    async def pieces() -> Any:
        for piece in ("It is free", ". ", "Or so."):
            at.append(time.time())
            yield piece.encode()
            await asyncio.sleep(0.02)

    at: list[float] = []
    seen = asked(lambda r: httpx.Response(200, content=pieces()), text)
    assert seen.outcome == "reply"
    assert seen.first_s is not None
    assert at[1] <= seen.began + seen.first_s <= at[2]
    assert seen.whole_s is not None
    assert seen.whole_s > seen.first_s


def test_who_is_refused_asks_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.customers.JITTER_S", 0.0)
    got: Counter[str] = Counter()

    def handler(request: httpx.Request) -> httpx.Response:
        question = json.loads(request.content)["message"]
        got[question] += 1
        busy = question == "B?" and got[question] == 1
        answer = httpx.Response(429, headers={"Retry-After": "0"})
        return answer if busy else httpx.Response(200, text=WHOLE)

    async def run() -> list[Seen]:
        transport = httpx.MockTransport(handler)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            questions = iter(["A?", "B?", "C?"])
            return await crowd(client, events, questions, 2, time.time() + 60)

    seen = asyncio.run(run())
    assert got == {"A?": 1, "B?": 2, "C?": 1}
    assert Counter(each.outcome for each in seen) == {"reply": 3, "refused": 1}


def test_nobody_begins_to_ask_after_the_time() -> None:
    async def run() -> list[Seen]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(gone)) as client:
            return await crowd(client, events, iter(["A?"]), 3, time.time() - 1)

    assert asyncio.run(run()) == []


def saw(outcome: Any, began: float, ended: float, **more: Any) -> Seen:
    return Seen(outcome=outcome, began=began, ended=ended, **more)


def replied(count: int, **more: Any) -> list[Seen]:
    return [
        saw("reply", 0, 5, accepted=True, first_s=1.0, whole_s=2.0, action="answer", **more)
        for _ in range(count)
    ]


def loaded(seen: list[Seen], rss: tuple[int, int] = (100, 100)) -> Load:
    return Load(seen=seen, stopped=10.0, rss=rss)


def test_a_service_that_stops_loses_what_it_had_taken_and_let_fall() -> None:
    done = [*replied(4), saw("reply", 9, 12, accepted=True), saw("refused", 1, 1)]
    falls = [saw("error", 9, 11, accepted=True), saw("error", 8.5, 10.5)]
    after = [saw("error", 9.9, 10.1), saw("error", 10.5, 10.6), saw("closed", 11, 11)]
    load = loaded([*done, *falls, *after, saw("error", 2, 3)])
    assert load.lost == falls
    assert load.throughput == 0.4
    assert len(load.ended("error")) == 1
    assert len(load.ended("refused")) == 1


@pytest.mark.parametrize(("ending", "loses"), [("patient", False), ("hasty", True)])
def test_real_processes_are_driven_and_stopped(
    ending: str, loses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "STOPPING_S", 0.5)
    port = process.free_port()
    questions = [f"How {n}?" for n in range(10_000)]
    with process.running([sys.executable, "-I", str(STUB), str(port), ending]) as (stub, log):
        url = bench._ready(stub, log, port)
        load = bench._measure(stub, url, "events", questions, 4, 1.0)
        assert stub.returncode is not None
    assert load.ended("reply")
    assert load.throughput > 0
    assert load.rss[0] > 1e6
    assert bool(load.lost) == loses


def test_the_figures_stand_side_by_side() -> None:
    ours = loaded([*replied(8), saw("refused", 1, 1)])
    found = {figure.name: figure for figure in compared("zipf", ours, loaded(replied(2)))}
    assert found["zipf_throughput"].ratio == 4
    assert (found["zipf_accepted"].ours, found["zipf_accepted"].naive) == (8, 2)
    assert found["zipf_refused"].ours == 1
    assert found["zipf_first_sentence_p95"].ours == 1.0
    assert found["zipf_reply_p50"].ours == 2.0


def test_each_aim_that_is_missed_is_a_sentence() -> None:
    naive = loaded(replied(4))
    assert misses("different", loaded(replied(4)), naive) == []
    assert misses("zipf", loaded(replied(8)), naive) == []
    assert len(misses("zipf", loaded(replied(7)), naive)) == 1
    fallen = [*replied(8), saw("error", 1, 2, detail="500: oh"), saw("error", 9, 11, accepted=True)]
    found = misses("zipf", loaded(fallen, (100, 121)), naive)
    assert [sentence.partition(": ")[0] for sentence in found] == ["zipf"] * 3
    assert "500: oh" in found[0]


def test_different_questions_differ_to_a_service_too() -> None:
    helps = passage("a", "Returns", "You can return most items within 45 days of delivery. No.")
    found = different(["What about it?", "what  about IT", "Why?"], [helps, helps])
    assert sorted(found) == [
        "Is it right that You can return most items within 45 days of delivery?",
        "What about it?",
        "What should I know about Returns?",
        "Why?",
    ]
    assert found == different(["What about it?", "what  about IT", "Why?"], [helps, helps])


def test_a_zipf_mix_asks_a_few_most_of_the_time() -> None:
    made = zipf([f"Question {n}?" for n in range(300)], 20_000)
    counts = [count for _, count in Counter(made).most_common()]
    assert len(counts) == 200
    assert counts[0] / 20_000 == pytest.approx(1 / sum(1 / n for n in range(1, 201)), abs=0.02)
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.2)


def test_the_naive_service_streams_what_the_chain_writes() -> None:
    generator = FakeGenerator(pieces=("It is ", "free. ", "Or so."))
    retriever = pipeline()["retriever"]
    with TestClient(create_app(rag(retriever, generator))) as client:
        assert client.get("/readyz").status_code == 200
        response = client.post("/v1/chat", json={"message": QUESTION})
    assert response.text == "It is free. Or so."
    asked = generator.prompts[0][-1].text
    assert asked.endswith(f"Question: {QUESTION}")
    assert sum(found.text in asked for found in opened().passages) == 3
