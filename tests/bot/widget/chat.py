"""The widget as a customer sees it: roles and names, never ids or classes where there is a name."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
SIZES: dict[str, dict[str, Any]] = {"desktop": DESKTOP, "phone": PHONE}
ANSWERED = re.compile("Checked|Quoted")


class Chat:
    """One widget on a page."""

    def __init__(
        self, page: Page, url: str, wait_ms: int = 10_000, host: str = "truepenny-chat"
    ) -> None:
        self.page = page
        self.url = url
        self.wait_ms = wait_ms
        self.host = page.locator(host).first
        self.panel = self.host.get_by_role("dialog")
        self.input = self.panel.get_by_role("textbox", name="Your question")
        self.turns = self.panel.locator("li.turn.bot")

    @property
    def last(self) -> Locator:
        return self.turns.last

    @property
    def badge(self) -> Locator:
        return self.last.locator(".badge")

    @property
    def chips(self) -> Locator:
        return self.last.locator(".text button.chip")

    def visit(self) -> "Chat":
        self.page.goto(self.url)
        return self

    def open(self) -> "Chat":
        self.host.get_by_role("button", name="Open chat").click()
        expect(self.panel).to_be_visible()
        return self

    def start(self) -> "Chat":
        return self.visit().open()

    def write(self, question: str) -> None:
        self.input.fill(question)
        self.input.press("Enter")

    def ask(self, question: str) -> Locator:
        """Asks, waits for the whole reply, and gives its turn."""
        before = self.turns.count()
        self.write(question)
        return self.answered(before + 1)

    def answered(self, count: int) -> Locator:
        expect(self.turns).to_have_count(count, timeout=self.wait_ms)
        expect(self.panel.get_by_role("button", name="Stop")).to_be_hidden(timeout=self.wait_ms)
        expect(self.last.locator(".pending")).to_have_count(0, timeout=self.wait_ms)
        return self.last

    def menu(self, item: str) -> None:
        self.panel.get_by_role("button", name="More").click()
        self.panel.get_by_role("button", name=item).click()

    def button(self, name: str) -> Locator:
        return self.panel.get_by_role("button", name=name, exact=True)
