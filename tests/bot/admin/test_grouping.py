"""Questions that mean the same come together; without an embedder, those of the same words."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bot.admin.grouping import by_meaning, by_wording
from bot.admin.types import Asked
from bot.store.store import Store
from bot.store.types import now
from tests.bot.admin.conftest import Client, Retriever
from tests.bot.admin.seed import answer, declined, talk
from tests.bot.client import serving
from tests.fakes import FakeEmbedder, parts


def asked(*texts: str) -> list[Asked]:
    return [
        Asked(text=text, at=now() - timedelta(minutes=n), conversation_id=f"c{n}", cause="policy")
        for n, text in enumerate(texts)
    ]


def test_the_same_words_are_one_group() -> None:
    groups = by_wording(asked("Zips?", "Do you ship?", "  do YOU\nship?", "Tents?"))
    assert [(g.question, len(g.asked)) for g in groups] == [
        ("Do you ship?", 2), ("Zips?", 1), ("Tents?", 1),
    ]  # fmt: skip


def unit(*rows: Sequence[float]) -> np.ndarray:
    found = np.array(rows, dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_near_vectors_are_one_group_with_the_middle_one_for_all() -> None:
    groups = by_wording(asked("edge", "far", "middle", "other edge"))
    order = [group.question for group in groups]
    places = {"edge": (1, 0.4), "far": (-1, 0.2), "middle": (1, 0), "other edge": (1, -0.4)}
    found = by_meaning(groups, unit(*(places[text] for text in order)))
    assert [(g.question, len(g.asked)) for g in found] == [("middle", 3), ("far", 1)]
    times = [each.at for each in found[0].asked]
    assert times == sorted(times, reverse=True)


def test_one_question_is_one_group() -> None:
    groups = by_wording(asked("alone"))
    assert by_meaning(groups, unit((1, 0))) == groups
    assert by_meaning([], unit((1, 0))[:0]) == []


def unanswered(store: Store) -> None:
    talk(store, "c1", "Do you ship to Norway?", declined("c1"))
    talk(store, "c2", "Do you ship to Norway now?", declined("c2", "contradicted"), days=1)
    talk(store, "c3", "What do tents weigh?", declined("c3"), days=2)
    talk(store, "c4", "How long?", answer("c4", "You have 45 days."))
    talk(store, "c5", "Shout at me", declined("c5", "unsafe_input"))
    talk(store, "c6", "Long ago?", declined("c6"), days=40)


def test_the_page_groups_by_meaning_once_and_names_the_nearest_article(
    store: Store, client: Client
) -> None:
    unanswered(store)
    embedder = FakeEmbedder()
    asking = client(Retriever(embedder))
    text = asking.get("/admin/unanswered").text
    assert "3 questions in 2 groups" in text
    assert "What delivery costs" in text
    assert "The sources disagree" in text
    assert "Grouped by wording" not in text
    for absent in ("How long?", "Shout at me", "Long ago?"):
        assert absent not in text
    assert sorted(embedder.texts) == sorted(set(embedder.texts)), "each is embedded once"
    before = list(embedder.texts)
    assert "4 questions in 3 groups" in asking.get("/admin/unanswered?days=90").text
    assert embedder.texts == [*before, "Long ago?"], "what was embedded is kept"


def broken() -> Any:
    raise OSError("no disk")


@pytest.mark.parametrize("load", [lambda: parts(Retriever(FakeEmbedder(poison=True))), broken])
def test_without_vectors_it_says_so_and_groups_by_wording(
    load: Callable[[], Any], store: Store
) -> None:
    unanswered(store)
    with serving(store=store, load=load) as asking:
        asking.base_url = asking.base_url.copy_with(host="127.0.0.1")
        response = asking.get("/admin/unanswered")
    assert response.status_code == 200
    assert "3 questions in 3 groups" in response.text
    assert "Grouped by wording only" in response.text
