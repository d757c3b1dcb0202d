"""What goes wrong: no network, a slow one, a service that restarts, is full, or fails."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.bot.widget.chat import Chat
from tests.bot.widget.service import Pages, free_port, serving
from tests.bot.widget.shop import Shop

BOOTS = "Can I send back my boots?"
PROBLEM = {"type": "urn:truepenny:problem:x", "title": "x", "detail": "x", "instance": "/"}


def fails(page: Page, status: int, times: int, **headers: str) -> list[Any]:
    """Answers the first messages with a problem; the bodies that were sent."""
    sent: list[Any] = []

    def answer(route: Any) -> None:
        sent.append(route.request.post_data_json)
        if len(sent) > times:
            return route.continue_()
        body = json.dumps({**PROBLEM, "status": status})
        return route.fulfill(status=status, body=body, headers=headers)

    page.route("**/v1/chat", answer)
    return sent


def test_offline_and_back(chat: Callable[..., Chat]) -> None:
    shown = chat("phone").start()
    shown.page.context.set_offline(True)
    expect(shown.panel.get_by_text("You’re offline.", exact=True)).to_be_visible()
    shown.write(BOOTS)
    expect(shown.last).to_contain_text("goes out when you’re back")
    shown.page.context.set_offline(False)
    expect(shown.answered(1)).to_contain_text("45 days")
    expect(shown.panel.get_by_text("You’re offline.", exact=True)).to_be_hidden()


def test_a_full_service_is_waited_for(chat: Callable[..., Chat]) -> None:
    shown = chat().start()
    sent = fails(shown.page, 429, 1, Retry_After="1")
    shown.write(BOOTS)
    expect(shown.last).to_contain_text("You’re in line")
    expect(shown.answered(1)).to_contain_text("45 days")
    assert sent[0]["message_id"] == sent[1]["message_id"]


def test_an_error_is_told_and_can_be_tried_again(chat: Callable[..., Chat]) -> None:
    shown = chat("phone").start()
    fails(shown.page, 500, 1)
    turn = shown.ask(BOOTS)
    expect(turn).to_contain_text("we’d rather not answer that")
    expect(shown.badge).to_have_count(0)
    shown.button("Try again").click()
    expect(shown.answered(1)).to_contain_text("45 days")
    expect(shown.panel.locator("li.mine")).to_have_count(1)
    expect(shown.input).to_be_focused()


def test_an_error_in_the_middle(chat: Callable[..., Chat]) -> None:
    turn = chat().start().ask("crash")
    expect(turn).to_contain_text("The first sentence is fine.")
    expect(turn).to_contain_text("The rest of the answer didn’t come through.")
    expect(turn.locator(".badge")).to_have_count(0)


@pytest.mark.slow  # it takes its time to end and to start again
def test_a_restart_in_the_middle(new_page: Callable[..., Page], shop: Shop) -> None:
    port = free_port()
    held = Shop(pause=0)
    page = new_page(lenient=True)
    with serving(held, port) as address:
        shown = Chat(page, f"{address}/", 30_000).start()
        held.gate.clear()
        shown.write(BOOTS)
        expect(shown.last).to_contain_text("Looking it up…")
        time.sleep(0.3)
    expect(shown.last).to_contain_text("Trying again", timeout=10_000)
    with serving(Shop(), port):
        expect(shown.answered(1)).to_contain_text("45 days")
        expect(shown.badge).to_have_text("Checked")


def test_a_reload_in_the_middle(chat: Callable[..., Chat], shop: Shop) -> None:
    shown = chat().start()
    shop.gate.clear()
    shown.write(BOOTS)
    expect(shown.last).to_contain_text("Looking it up…")
    shown.page.reload()
    shop.gate.set()
    expect(shown.answered(1)).to_contain_text("45 days")
    expect(shown.panel.locator("li.mine")).to_have_count(1)


def test_stop_and_go_on(chat: Callable[..., Chat], shop: Shop) -> None:
    shown = chat("phone").start()
    shop.gate.clear()
    shown.write(BOOTS)
    shown.button("Stop").click()
    expect(shown.last).to_contain_text("Stopped.")
    shown.page.reload()
    expect(shown.last).to_contain_text("interrupted before it was answered")
    shop.gate.set()
    expect(shown.ask("What about members?")).to_contain_text("90 days")


def test_a_person_writes_in_the_conversation(chat: Callable[..., Chat]) -> None:
    shown = chat().start()
    turns = [{"role": "person", "text": "Hello, this is Ada. <b>How</b> can I help?"}]
    seen = {"conversation_id": "c", "mode": "person", "turns": turns}
    shown.page.route("**/v1/conversations/*", lambda route: route.fulfill(json=seen))
    shown.ask("I want to talk to a person")
    said = shown.panel.locator("li.person")
    expect(said).to_have_text("Our teamHello, this is Ada. <b>How</b> can I help?")
    shown.page.reload()
    expect(said).to_have_count(1)
    turns.append({"role": "person", "text": "Are you still there?"})
    expect(said).to_have_count(2)


def test_sentences_come_one_by_one_and_are_announced_once(
    chat: Callable[..., Chat], shop: Shop
) -> None:
    shown = chat().start()
    shop.pause = 0.5
    shown.write(BOOTS)
    expect(shown.last.locator(".text")).to_have_text("You have 45 days from the delivery.")
    expect(shown.last).to_contain_text("Checking what comes next…")
    expect(shown.answered(1)).to_contain_text("90 days")
    live = shown.host.locator("[aria-live]")
    expect(live).to_have_count(1)
    said = live.locator("p").all_inner_texts()
    assert said.count("You have 45 days from the delivery.") == 1
    assert said[-1].startswith("Checked.")


def test_a_service_that_knows_only_tokens(new_page: Callable[..., Page], embedding: Pages) -> None:
    config = {
        "keys": ["a-key-that-no-page-knows"], "token_secret": "s" * 40,
        "identity_secret": "i" * 40, "allowed_origins": [embedding.address],
    }  # fmt: skip
    with serving(Shop(), **config) as address:
        url = embedding.put(f'<script src="{address}/widget.js" async></script>')
        shown = Chat(new_page(), url).start()
        shown.ask(BOOTS)
        token = "() => JSON.parse(Object.values(sessionStorage)[0]).token"
        before = shown.page.evaluate(token)
        assert before.count(".") == 2
        shown.page.evaluate(
            """() => {
              const [key] = Object.keys(sessionStorage);
              const kept = JSON.parse(sessionStorage[key]);
              const forged = { ...kept, token: kept.token.slice(0, -3) + "xyz" };
              sessionStorage[key] = JSON.stringify(forged);
            }"""
        )
        shown.page.reload()
        expect(shown.ask("What about members?")).to_contain_text("90 days")
        assert shown.page.evaluate(token) != before


def test_a_page_that_is_not_on_the_list(new_page: Callable[..., Page], embedding: Pages) -> None:
    config = {"keys": ["k" * 40], "token_secret": "s" * 40, "allowed_origins": ["http://a.example"]}
    with serving(Shop(), **config) as address:
        url = embedding.put(f'<script src="{address}/widget.js" async></script>')
        shown = Chat(new_page(lenient=True), url).start()
        shown.write(BOOTS)
        expect(shown.last).to_contain_text("We can’t reach the service", timeout=20_000)
