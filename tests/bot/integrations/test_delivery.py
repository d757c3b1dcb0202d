"""Deliveries: tried again, in order, given up in the end; not lost and not doubled by a crash."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bot.store.config import StoreConfig
from bot.store.store import open_store
from bot.store.types import Delivery
from tests.bot.integrations.chatwoot_server import ACCOUNT, ChatwootServer
from tests.bot.integrations.conftest import bot
from tests.fakes import FakeStream

ROOT = Path(__file__).parents[3]
ANSWER = "You can return items within 45 days."


@pytest.mark.parametrize("faults", [[503], [500, 502, 429], [401], ["late"], ["cut"]])
def test_it_is_tried_again_until_it_arrives_once(
    chatwoot: ChatwootServer, faults: list[Any]
) -> None:
    chatwoot.faults.extend(faults)
    with bot(chatwoot, integrations={"retry_s": 0.4}) as store:
        chatwoot.customer("How long?")
        chatwoot.until(lambda: store.outbox.counts()["done"] == 1)
        time.sleep(0.5)
    assert chatwoot.said() == [ANSWER]
    assert not chatwoot.faults


@pytest.mark.parametrize(("faults", "most"), [([404], 12), ([302], 12), ([503, 503], 2)])
def test_it_is_given_up(chatwoot: ChatwootServer, faults: list[Any], most: int) -> None:
    chatwoot.faults.extend(faults)
    with bot(chatwoot, integrations={"max_attempts": most}) as store:
        chatwoot.customer("How long?")
        chatwoot.until(lambda: store.outbox.counts()["dead"] == 1)
        chatwoot.customer("And then?")
        chatwoot.until(lambda: store.outbox.counts()["done"] == 1)
    assert chatwoot.said() == [ANSWER]


def test_a_conversations_replies_stay_in_order(chatwoot: ChatwootServer) -> None:
    from tests.fakes import make_reply

    def stream(question: str, state: Any, **given: object) -> Any:
        yield make_reply(state, f"to {question}")

    chatwoot.faults.extend([503, 503])
    with bot(chatwoot, stream, max_waiting=20) as store:
        for n in range(4):
            chatwoot.customer(f"q{n}")
            chatwoot.customer(f"q{n}", conversation=6)
        chatwoot.until(lambda: store.outbox.counts()["done"] == 8)
    for conversation in (5, 6):
        assert chatwoot.said(conversation) == [f"to q{n}" for n in range(4)]


def test_one_slow_conversation_does_not_hold_up_the_others(chatwoot: ChatwootServer) -> None:
    chatwoot.faults.append("late")
    chatwoot.late_s = 4.0
    with bot(chatwoot, integrations={"timeout_s": 6.0}) as store:
        chatwoot.customer("slow?")
        chatwoot.until(lambda: not chatwoot.faults)
        began = time.monotonic()
        chatwoot.customer("quick?", conversation=6)
        chatwoot.until(lambda: chatwoot.said(6))
        assert time.monotonic() - began < 3.5
        chatwoot.until(lambda: store.outbox.counts()["done"] == 2)


def test_without_echoes_a_late_answer_doubles_at_worst(chatwoot: ChatwootServer) -> None:
    """What `at least once` means where Chatwoot doesn't tell the bot of its own messages."""
    chatwoot.echoes = False
    chatwoot.faults.append("late")
    with bot(chatwoot) as store:
        chatwoot.customer("How long?")
        chatwoot.until(lambda: store.outbox.counts()["done"] == 1)
    said = chatwoot.said()
    assert said
    assert said == [ANSWER] * min(len(said), 2)


def test_a_delivery_to_what_is_not_configured_waits(chatwoot: ChatwootServer) -> None:
    with bot(chatwoot) as store:
        store.outbox.put(Delivery(destination="slack", payload={}))
        time.sleep(0.3)
        assert store.outbox.counts()["waiting"] == 1


def test_a_stop_finishes_the_reply_under_way(chatwoot: ChatwootServer, tmp_path: Path) -> None:
    asked = threading.Event()
    url = f"sqlite:///{tmp_path}/t.db"
    with bot(chatwoot, FakeStream(pause=0.5, before=asked.set), url=url):
        chatwoot.customer("How long?")
        assert asked.wait(5)
    store = open_store(StoreConfig(url=url))
    state = store.conversations.state(f"chatwoot:{ACCOUNT}:5")
    store.close()
    assert state is not None
    assert [turn.text for turn in state.turns] == ["How long?", ANSWER]


@pytest.mark.parametrize("moment", ["while it thinks", "while it sends"])
def test_a_killed_process_loses_nothing(
    chatwoot: ChatwootServer, tmp_path: Path, moment: str
) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    if moment == "while it sends":
        chatwoot.faults.append("late")  # it has arrived, and nobody is told
        chatwoot.late_s = 3.0
    thinks = "30" if moment == "while it thinks" else "0"
    module = ["-m", "tests.bot.integrations.worker", url, chatwoot.url, thinks]
    process = subprocess.Popen(
        [sys.executable, *module], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        chatwoot.bot_url = process.stdout.readline().strip()
        chatwoot.customer("How long?")
        chatwoot.until(lambda: (200, "accepted") in chatwoot.answers)
        if moment == "while it sends":
            chatwoot.until(chatwoot.said)
            chatwoot.quiet()
    finally:
        process.kill()
        process.communicate(timeout=10)
    with bot(chatwoot, url=url) as store:
        chatwoot.until(lambda: store.outbox.counts()["done"] == 1)
        time.sleep(0.5)
    assert chatwoot.said() == [ANSWER]
