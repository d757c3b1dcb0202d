"""A browser, a service over a scripted pipeline, pages that embed it; skipped without Chromium."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.bot.widget.chat import Chat
    from tests.bot.widget.service import Pages
    from tests.bot.widget.shop import Shop

USUAL = {"locale": "en-GB", "reduced_motion": "reduce"}
WAIT_MS = 15_000
CHROMIUM = Path("/usr/bin/chromium")
if importlib.util.find_spec("playwright") is None:
    collect_ignore_glob = ["test_*browser*.py"]


@pytest.fixture(scope="package")  # playwright holds the thread's event loop until it is closed
def browser() -> Iterator["Browser"]:
    if not CHROMIUM.exists():
        pytest.skip(f"the widget is tested in a browser, and there is no {CHROMIUM}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield found
        found.close()


@pytest.fixture(scope="session")
def shop() -> "Shop":
    from tests.bot.widget.shop import Shop

    return Shop()


@pytest.fixture(scope="session")
def embedding() -> Iterator["Pages"]:
    from tests.bot.widget.service import pages

    with pages() as made:
        yield made


@pytest.fixture(scope="session")
def service(shop: "Shop", embedding: "Pages") -> Iterator[str]:
    """A service that the embedding pages may call."""
    from tests.bot.widget.service import serving

    with serving(shop, allowed_origins=[embedding.address]) as address:
        yield address


@pytest.fixture(autouse=True)
def _unhurried(request: pytest.FixtureRequest) -> Iterator[None]:
    """The scripted pipeline as it was, after a test that held it up."""
    yield
    if "shop" in request.fixturenames:
        shop = request.getfixturevalue("shop")
        shop.pause = 0.02
        shop.gate.set()


@pytest.fixture
def new_page(browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Makes pages, each a customer of their own; an error in a page fails the test."""
    from tests.bot.widget.chat import SIZES

    contexts, errors = [], []

    def make(size: str = "desktop", *, lenient: bool = False, **more: Any) -> "Page":
        context = browser.new_context(**{**USUAL, **SIZES[size], **more})
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        if not lenient:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda said: _note(said, errors))
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def _note(said: Any, errors: list[str]) -> None:
    if said.type == "error" and "Failed to load resource" not in said.text:
        errors.append(said.text)


@pytest.fixture
def chat(new_page: Callable[..., "Page"], service: str) -> Callable[..., "Chat"]:
    """The widget on the demo page, not visited yet."""
    from tests.bot.widget.chat import Chat

    return lambda *given, **more: Chat(new_page(*given, **more), f"{service}/")
