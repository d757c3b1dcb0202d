"""In a browser: the log-in, and axe-core on every page, light and dark, wide and narrow."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.store.config import StoreConfig
from bot.store.store import open_store
from tests.bot.admin.conftest import Retriever
from tests.bot.admin.seed import answer, declined, handed_over, sample, talk
from tests.fakes import parts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
KEY = "browser-key-" + "x" * 30
PAGES = (
    "", "/conversations/shown", "/conversations/nope", "/unanswered", "/feedback", "/handoffs",
    "/trends",
)  # fmt: skip
pytest.importorskip("playwright", reason="the admin page is tested in a browser")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    if not CHROMIUM.exists():
        pytest.skip(f"the admin page is tested in a browser, and there is no {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield found
        found.close()


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    from tests.bot.service.server import listening

    random.seed(3)
    store = open_store(StoreConfig(url="sqlite://"))
    sample(store, days=4)
    made = answer("shown", "You have 45 days.", "Worn boots are " + "very" * 200 + " welcome.")
    talk(store, "shown", "How long may I keep boots?", made, user_id="u-7")
    store.conversations.rate(made.reply_id, "down", "Hard to understand")
    talk(store, "shown", "Do you ship to Norway?", declined("shown"))
    talk(store, "shown", "A person, please.", handed_over("shown"))
    with listening(store=store, load=lambda: parts(Retriever()), keys=[KEY]) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser: "Browser", service: str) -> Iterator["Page"]:
    """Somebody who is logged in; what the policy blocks or the console says fails the module."""
    context, said = browser.new_context(), []
    found = context.new_page()
    found.on("console", lambda line: said.append((line.type, line.text)))
    found.goto(f"{service}/admin/trends")
    assert axe(found) == []
    found.get_by_label("API key").fill("wrong")
    found.get_by_role("button", name="Log in").click()
    assert "isn’t a valid key" in found.get_by_role("alert").inner_text()
    assert axe(found) == []
    found.get_by_label("API key").fill(KEY)
    found.get_by_role("button", name="Log in").click()
    assert found.url == f"{service}/admin/trends"
    yield found
    context.close()
    wrong = [text for kind, text in said if kind in ("error", "warning")]
    assert [text for text in wrong if "status of 40" not in text] == []


def axe(page: "Page") -> list[str]:
    """What axe-core finds, by rule and element."""
    import axe_playwright_python

    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [f"{v['id']}: {node['html']}" for v in found["violations"] for node in v["nodes"]]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(path: str, page: "Page", service: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 860})
    page.goto(f"{service}/admin{path}")
    for closed in page.locator("summary").all():
        closed.click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe(page) == [], scheme


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_screen_needs_no_scrolling_sideways(path: str, page: "Page", service: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{service}/admin{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
