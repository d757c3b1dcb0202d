"""For everybody: axe-core, keyboard, zoom, motion, languages and directions, forms."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.bot.widget.chat import Chat
from tests.bot.widget.service import Pages

BOOTS = "Can I send back my boots?"
ORDER = {"name": "order", "label": "Order number", "type": "text", "pattern": r"FW-\d{8}"}
EMAIL = {"name": "email", "label": "E-mail address", "type": "email", "required": True}
CHOICE = {"name": "why", "label": "Reason", "type": "choice", "choices": ["Too small", "Broken"]}
REASON = {**CHOICE, "required": False}
FORM = {"fields": [ORDER, EMAIL, REASON]}
WHITE = ("oklch(1 0 0)", "rgb(255, 255, 255)")
BLACK = ("oklch(0 0 0)", "rgb(0, 0, 0)")


def violations(page: Page) -> list[str]:
    """What axe-core finds, by rule and element."""
    import axe_playwright_python

    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{rule['id']}: {node['target']}" for rule in found["violations"] for node in rule["nodes"]
    ]


def asks_for(form: Any) -> Callable[[Any], None]:
    """Answers every message with a reply that holds a form."""
    reply = {
        "reply_id": "r", "conversation_id": "c", "text": "What is the order?", "action": "flow",
        "cause": None, "sentences": [], "citations": [], "suggestions": [], "form": form,
    }  # fmt: skip
    body = f"event: status\ndata: {{}}\n\nevent: reply\ndata: {json.dumps(reply)}\n\n"
    return lambda route: route.fulfill(content_type="text/event-stream", body=body)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ("desktop", "light"),
        ("phone", "dark"),
        pytest.param("desktop", "dark", marks=pytest.mark.slow),
        pytest.param("phone", "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing(chat: Callable[..., Chat], size: str, scheme: str) -> None:
    shown = chat(size, color_scheme=scheme).visit()
    expect(shown.host.get_by_role("button", name="Open chat")).to_be_visible()
    assert violations(shown.page) == []
    shown.open()
    assert violations(shown.page) == []
    shown.ask(BOOTS)
    shown.chips.first.click()
    shown.button("Not helpful").click()
    shown.ask("nothing known")
    shown.button("More").click()
    assert violations(shown.page) == []


def test_axe_finds_nothing_in_arabic_forms_and_errors(chat: Callable[..., Chat]) -> None:
    shown = chat(locale="ar").visit()
    place(shown.page, language="ar")
    shown.page.route("**/v1/chat", asks_for(FORM))
    shown.host.get_by_role("button").first.click()
    shown.panel.locator("textarea").fill("x")
    shown.panel.locator("textarea").press("Enter")
    shown.last.locator("form .primary").click()
    expect(shown.last.locator("[aria-invalid=true]")).to_have_count(2)
    assert violations(shown.page) == []


def place(page: Page, **attributes: str) -> None:
    """Puts another widget in the place of the page's own."""
    page.locator("truepenny-chat").wait_for(state="attached")
    page.evaluate(
        """(given) => { document.querySelector("truepenny-chat").remove();
        const made = document.createElement("truepenny-chat");
        for (const [name, value] of Object.entries(given)) made.setAttribute(name, value);
        document.body.append(made) }""",
        attributes,
    )


REST = [pytest.param(language, marks=pytest.mark.slow) for language in ("de", "es", "fr")]


@pytest.mark.parametrize("language", ["zh", "ar", *REST])
def test_in_the_customers_language(chat: Callable[..., Chat], language: str) -> None:
    from tests.bot.widget.test_widget import table

    texts = table(language)
    shown = chat("phone").visit()
    place(shown.page, language=language)
    shown.host.get_by_role("button", name=texts["open"]).click()
    expect(shown.panel.get_by_text(texts["hello"])).to_be_visible()
    expect(shown.panel.get_by_role("textbox", name=texts["question"])).to_be_visible()
    frame = shown.host.locator(".frame")
    expect(frame).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    expect(frame).to_have_attribute("lang", language)


def test_a_form_is_checked_in_plain_words(chat: Callable[..., Chat]) -> None:
    shown = chat("phone").visit()
    sent: list[Any] = []
    answer = asks_for(FORM)
    shown.page.route(
        "**/v1/chat", lambda route: (sent.append(route.request.post_data_json), answer(route))
    )
    shown.open().ask("Where is my order?")
    form = shown.turns.first.locator("form")
    order = form.get_by_label("Order number")
    order.fill("12")
    form.get_by_role("button", name="Send").click()
    expect(order).to_be_focused()
    expect(order).to_have_accessible_description("That doesn’t look right. Please check it.")
    expect(form.get_by_label("E-mail address")).to_have_accessible_description(
        "Please fill this in."
    )
    order.fill("FW-20418833")
    expect(order).to_have_attribute("aria-invalid", "false")
    form.get_by_label("E-mail address").fill("a@b.example")
    form.get_by_label("Reason").select_option("Broken")
    form.get_by_role("button", name="Send").click()
    shown.answered(2)
    assert sent[-1]["message"] == (
        "Order number: FW-20418833\nE-mail address: a@b.example\nReason: Broken"
    )
    expect(order).to_be_disabled()


def test_a_single_choice_is_buttons(chat: Callable[..., Chat]) -> None:
    shown = chat("phone").visit()
    shown.page.route("**/v1/chat", asks_for({"fields": [CHOICE]}))
    shown.open().ask("I want to return it")
    expect(shown.last.locator("form")).to_have_count(0)
    shown.button("Too small").click()
    shown.answered(2)
    expect(shown.panel.locator("li.mine").last).to_contain_text("Too small")


def test_on_a_phone_tab_goes_round_in_the_panel(chat: Callable[..., Chat]) -> None:
    shown = chat("phone").start()
    expect(shown.panel).to_have_attribute("aria-modal", "true")
    for key in ["Tab"] * 14 + ["Shift+Tab"] * 14:
        shown.page.keyboard.press(key)
        inside = "(panel) => panel.contains(panel.getRootNode().activeElement)"
        assert shown.panel.evaluate(inside)


def test_at_200_percent(chat: Callable[..., Chat]) -> None:
    shown = chat(viewport={"width": 640, "height": 400}).start()
    shown.ask(BOOTS)
    box = shown.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 640, "height": 400}
    for name in ("Close chat", "More", "Send"):
        expect(shown.button(name)).to_be_in_viewport()
    expect(shown.input).to_be_in_viewport()


def test_motion_is_for_those_who_want_it(chat: Callable[..., Chat]) -> None:
    moving = "(panel) => getComputedStyle(panel).animationName"
    assert chat(reduced_motion="no-preference").start().panel.evaluate(moving) == "open"
    assert chat().start().panel.evaluate(moving) == "none"


@pytest.mark.parametrize(("accent", "inks"), [("#1f5b3f", WHITE), ("#ffdd55", BLACK)])
def test_the_ink_fits_the_accent(
    new_page: Callable[..., Page],
    service: str,
    embedding: Pages,
    accent: str,
    inks: tuple[str, ...],
) -> None:
    page = new_page()
    page.goto(embedding.put(f'<script src="{service}/widget.js" data-accent="{accent}"></script>'))
    launcher = page.locator("truepenny-chat").get_by_role("button", name="Open chat")
    colours = "(node) => { const s = getComputedStyle(node); return [s.backgroundColor, s.color] }"
    ground, ink = launcher.evaluate(colours)
    assert tuple(int(part) for part in ground[4:-1].split(", ")) == tuple(bytes.fromhex(accent[1:]))
    assert ink in inks


def test_theme_given_by_the_page(chat: Callable[..., Chat]) -> None:
    shown = chat(color_scheme="light").visit()
    place(shown.page, theme="dark", language="en")
    shown.open()
    ground = shown.panel.evaluate("(panel) => getComputedStyle(panel).backgroundColor")
    assert ground == "rgb(27, 26, 25)"
