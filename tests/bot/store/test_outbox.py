"""The outbox: nothing is lost, and no two processes have the same delivery."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.store.store import Store
from bot.store.types import Delivery, now
from tests.bot.store.helpers import receive


def put(store: Store, n: int = 0) -> int:
    return store.outbox.put(Delivery(destination="chatwoot", payload={"n": n}))


def test_a_delivery_is_claimed_sent_and_done(store: Store) -> None:
    delivery_id = put(store, 7)
    (claimed,) = store.outbox.claim("a")
    assert claimed == Delivery(id=delivery_id, destination="chatwoot", payload={"n": 7}, attempts=1)
    assert store.outbox.claim("b") == []
    assert not store.outbox.done(delivery_id, "b")
    assert store.outbox.done(delivery_id, "a")
    assert not store.outbox.done(delivery_id, "a")
    assert store.outbox.counts() == {"waiting": 0, "done": 1, "dead": 0}


def test_a_failed_one_is_due_again_in_time(store: Store) -> None:
    delivery_id = put(store)
    store.outbox.claim("a")
    assert store.outbox.retry(delivery_id, "a", now() + timedelta(hours=1), "HTTP 503")
    assert store.outbox.claim("a") == []
    later = put(store)
    store.outbox.claim("a")
    assert store.outbox.retry(later, "a", now(), "HTTP 503")
    assert [d.attempts for d in store.outbox.claim("a")] == [2]
    assert store.outbox.give_up(later, "a", "HTTP 404")
    assert store.outbox.counts() == {"waiting": 1, "done": 0, "dead": 1}


def test_a_dead_senders_claim_runs_out(store: Store) -> None:
    delivery_id = put(store)
    store.outbox.claim("a", lease_s=0)
    assert [d.id for d in store.outbox.claim("b")] == [delivery_id]
    assert not store.outbox.done(delivery_id, "a")
    assert store.outbox.done(delivery_id, "b")


def test_the_oldest_go_first_and_as_many_as_asked(store: Store) -> None:
    ids = [put(store, n) for n in range(5)]
    assert [d.id for d in store.outbox.claim("a", most=2)] == ids[:2]
    assert [d.id for d in store.outbox.claim("b")] == ids[2:]


def test_each_goes_to_one_of_many(store: Store) -> None:
    ids = [put(store, n) for n in range(24)]
    together = threading.Barrier(4)

    def work(n: int) -> list[int]:
        together.wait(5)
        got: list[int] = []
        while claimed := store.outbox.claim(f"o{n}", most=3):
            got += [d.id for d in claimed]
        return got

    with ThreadPoolExecutor(4) as pool:
        found = [i for got in pool.map(work, range(4)) for i in got]
    assert sorted(found) == ids


def test_it_goes_with_its_conversation(store: Store) -> None:
    receive(store)
    store.outbox.put(Delivery(destination="x", payload={"text": "secret"}), "c1")
    store.conversations.erase("c1")
    assert store.outbox.counts()["waiting"] == 0
