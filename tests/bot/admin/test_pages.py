"""The pages show what is in the store, find what is looked for, and show hostile text as text."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from bot.admin.types import PER_PAGE
from bot.store.store import Store
from bot.store.types import now
from bot.types import Citation, Reply, State, Turn
from tests.bot.admin.conftest import Client
from tests.bot.admin.seed import answer, declined, handed_over, talk
from tests.fakes import make_reply

PATHS = (
    "/admin", "/admin/unanswered", "/admin/feedback", "/admin/handoffs", "/admin/trends",
    "/admin/conversations/c1",
)  # fmt: skip
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e' + "x" * 10_000


def shown(client: TestClient, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return str(response.text)


def test_an_empty_store_says_so(client: Client) -> None:
    asking = client()
    for path in PATHS[:-1]:
        assert 'class="empty"' in shown(asking, path)


def test_the_list_and_its_search(store: Store, client: Client) -> None:
    talk(store, "c1", "How long may I keep it?", answer("c1", "You have 45 days."))
    talk(store, "c2", "Do you ship to Norway?", declined("c2"), days=3)
    talk(store, "c3", "Are you still there?")
    asking = client()

    def found(query: str = "") -> set[str]:
        text = shown(asking, f"/admin{query}")
        return {key for key in ("c1", "c2", "c3") if f"/admin/conversations/{key}" in text}

    assert found() == {"c1", "c2", "c3"}
    assert found("?q=NORWAY&action=&cause=&since=&until=") == {"c2"}
    assert found("?q=45 days") == {"c1"}, "replies are searched too"
    assert found("?q=100%25") == set(), "a % is no wildcard"
    assert found("?action=answer") == {"c1"}
    assert found("?cause=no_evidence") == {"c2"}
    assert found("?cause=no_evidence&action=answer") == set()
    today, before = now().date(), now().date() - timedelta(days=2)
    assert found(f"?since={today}") == {"c1", "c3"}
    assert found(f"?until={before}") == {"c2"}
    assert asking.get("/admin?cause=weather").status_code == 422


def test_paging_keeps_the_search(store: Store, client: Client) -> None:
    for n in range(PER_PAGE + 1):
        talk(store, f"c{n:03}", "Norway?", declined(f"c{n:03}"), days=n / 10)
    asking = client()
    first = shown(asking, "/admin?q=norway")
    assert "Page 1 of 2" in first
    assert "/admin?q=norway&amp;page=2" in first
    assert "c000" in first
    assert f"c{PER_PAGE:03}" not in first
    assert f"c{PER_PAGE:03}" in shown(asking, "/admin?q=norway&page=2")


def test_a_conversation_with_verdicts_evidence_and_what_failed(
    store: Store, client: Client
) -> None:
    told = State(conversation_id="c1", turns=(Turn(role="person", text="Maeve here, hello."),))
    made = answer("c1", "You have 45 days.", probability=0.987)
    talk(store, "c1", "How long?", made, user_id="u-7", channel="web", state=told)
    store.conversations.rate(made.reply_id, "down", "Hard to understand")
    talk(store, "c1", "And now?")
    text = shown(client(), "/admin/conversations/c1")
    for piece in (
        "How long?", "You have 45 days.", "0.987", "Supported", "u-7", "web", "980 ms",
        'href="https://help.example/returns"', "How long you can return an item", "Not helpful",
        "Hard to understand", "Waiting for its reply", "Maeve here, hello.",
    ):  # fmt: skip
        assert piece in text


def test_an_unknown_conversation(client: Client) -> None:
    response = client().get("/admin/conversations/nope")
    assert response.status_code == 404
    assert "There is no such conversation" in response.text


def test_feedback_and_handoffs(store: Store, client: Client) -> None:
    good, bad = answer("c1", "You have 45 days."), answer("c2", "It costs €4.95.")
    talk(store, "c1", "How long?", good)
    talk(store, "c2", "How much?", bad)
    talk(store, "c3", "A person, please", handed_over("c3"))
    store.conversations.rate(good.reply_id, "up")
    store.conversations.rate(bad.reply_id, "down", "It isn't my country's price")
    asking = client()
    both = shown(asking, "/admin/feedback")
    assert "1 helpful, 1 not helpful" in both
    assert "How long?" in both
    assert "country&#39;s price" in both
    assert "How long?" not in shown(asking, "/admin/feedback?rating=down")
    text = shown(asking, "/admin/handoffs")
    for piece in ("A person, please", "The customer asked for it", "Order F-2231 left", "F-2231"):
        assert piece in text
    assert "How long?" not in text


def hostile() -> Reply:
    citation = Citation(
        n=1, article_id="a", passage_id="p", title=HOSTILE, url="javascript:alert(1)",
        quote=HOSTILE, kind="passage",
    )  # fmt: skip
    state = State(conversation_id="c1")
    return make_reply(
        state, HOSTILE, citations=(citation,), cause="no_evidence", trace=(HOSTILE,),
        handoff=handed_over("c1", HOSTILE).handoff, model=HOSTILE,
    )  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_hostile_text_shows_as_text(path: str, store: Store, client: Client) -> None:
    made = hostile()
    talk(store, "c1", HOSTILE, made, user_id=HOSTILE[:100], channel=HOSTILE[:60])
    store.conversations.rate(made.reply_id, "down", HOSTILE[:500])
    text = shown(client(), path)
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in text
    if path != "/admin/trends":
        assert "&lt;script&gt;" in text


def test_a_hostile_search_shows_as_text(client: Client) -> None:
    text = shown(client(), '/admin?q="><script>alert(1)</script>')
    assert "<script" not in text
    assert 'value="&#34;&gt;&lt;script&gt;' in text


@pytest.mark.parametrize("path", [*PATHS, "/admin/login", "/admin/conversations/nope"])
def test_every_page_is_strict(path: str, client: Client) -> None:
    headers = client(keys=["k" * 40] if path == "/admin/login" else []).get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


def test_nothing_can_be_written(client: Client) -> None:
    asking = client()
    for path in PATHS:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert asking.request(method, path, json={}).status_code == 405
