"""The widget in a page that trusts nothing, breaks everything, or shows hostile texts."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.bot.widget.chat import Chat
from tests.bot.widget.service import Pages

NewPage = Callable[..., Page]


# What should not be in the shadow root, or outside it.
INSIDE = """(host) => {
  const all = [...host.shadowRoot.querySelectorAll("*")];
  const count = (test) => all.filter(test).length;
  const safe = ["https:", "http:", "mailto:"];
  return {
    foreign: count(({ tagName }) => ["IMG", "SCRIPT", "IFRAME", "STYLE"].includes(tagName)),
    handlers: count((each) => [...each.attributes].some(({ name }) => /^on|^style$/.test(name))),
    links: count(({ href }) => href && !safe.includes(new URL(href).protocol)),
    bidi: /[\\u202A-\\u202E\\u2066-\\u2069]/.test(host.shadowRoot.textContent),
    outside: document.querySelectorAll("body > :not(main, header, footer, truepenny-chat)").length,
  };
}"""
# Counts shifts of what isn't the widget's.
SHIFTS = """window.shifts = 0; new PerformanceObserver((list) => {
  const ours = ({ node }) => !node || node.getRootNode() !== document
    || node.localName === "truepenny-chat";
  window.shifts += list.getEntries().filter((each) => !each.sources.every(ours)).length;
}).observe({ type: "layout-shift", buffered: true })"""


def strict(service: str) -> str:
    """A policy that allows nothing but the service, and no trusted HTML at all."""
    return (
        f"default-src 'none'; script-src {service}; connect-src {service}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def tag(service: str, **data: str) -> str:
    given = "".join(f' data-{name}="{value}"' for name, value in data.items())
    return f'<script src="{service}/widget.js" async{given}></script>'


def test_under_a_strict_policy(new_page: NewPage, service: str, embedding: Pages) -> None:
    page = new_page()
    violations: list[str] = []
    page.on("console", lambda said: violations.append(said.text))
    url = embedding.put(tag(service, language="de"), Content_Security_Policy=strict(service))
    page.goto(url)
    chat = Chat(page, url)
    chat.host.get_by_role("button", name="Chat öffnen").click()
    chat.panel.get_by_role("textbox", name="Ihre Frage").fill("Can I send back my boots?")
    chat.panel.get_by_role("textbox", name="Ihre Frage").press("Enter")
    expect(chat.badge).to_have_text("Geprüft")
    chat.chips.first.click()
    expect(chat.last.locator("blockquote")).to_contain_text("45 days")
    assert chat.panel.evaluate("(panel) => getComputedStyle(panel).position") == "fixed"
    assert [text for text in violations if "Security Policy" in text] == []


def test_hostile_texts_are_text(chat: Callable[..., Chat]) -> None:
    shown = chat("phone").start()
    turn = shown.ask("hostile <script>window.hit='question'</script> \u202egnp.exe")
    for chip in shown.chips.all():
        chip.click()
    page = shown.page
    assert page.evaluate("window.hit") is None
    expect(turn).to_contain_text("<img src=x onerror=")
    expect(shown.panel.locator("li.mine")).to_contain_text("<script>window.hit")
    root = shown.host.evaluate(INSIDE)
    assert root == {"foreign": 0, "handlers": 0, "links": 0, "bidi": False, "outside": 0}
    widths = shown.panel.evaluate("(panel) => [panel.scrollWidth, panel.clientWidth]")
    assert widths[0] <= widths[1]


def test_in_a_page_that_unsets_everything(
    new_page: NewPage, service: str, embedding: Pages
) -> None:
    page = new_page()
    hidden = "truepenny-chat { display: none !important; color: red }"
    style = f"<style>* {{ all: unset !important }} {hidden}</style>"
    url = embedding.put(tag(service), style)
    chat = Chat(page, url).start()
    chat.ask("Can I send back my boots?")
    looks = chat.panel.evaluate(
        "(panel) => { const s = getComputedStyle(panel); return [s.position, s.display, s.width] }"
    )
    assert looks == ["fixed", "flex", "400px"]


def test_in_a_page_with_errors_of_its_own(
    new_page: NewPage, service: str, embedding: Pages
) -> None:
    page = new_page(lenient=True)
    broken = "<script>window.onerror = () => { throw new Error('again') }; missing();</script>"
    url = embedding.put(tag(service) + broken, broken)
    chat = Chat(page, url).start()
    expect(chat.ask("Can I send back my boots?")).to_contain_text("45 days")


def test_two_widgets_side_by_side(new_page: NewPage, service: str, embedding: Pages) -> None:
    page = new_page()
    url = embedding.put(tag(service) + tag(service, name="second", heading="Sales"))
    page.goto(url)
    hosts = page.locator("truepenny-chat")
    expect(hosts).to_have_count(2)
    boxes = [hosts.nth(n).get_by_role("button", name="Open chat").bounding_box() for n in (0, 1)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert abs(boxes[0]["x"] - boxes[1]["x"]) >= boxes[0]["width"]
    first = Chat(page, url, host="truepenny-chat:not([name])")
    second = Chat(page, url, host="truepenny-chat[name=second]")
    second.open().ask("Can I send back my boots?")
    second.button("Close chat").click()
    first.open()
    expect(first.turns).to_have_count(0)
    page.reload()
    expect(second.open().turns).to_have_count(1)


def test_the_pages_shortcuts_do_not_hear_what_is_typed(chat: Callable[..., Chat]) -> None:
    shown = chat().visit()
    listen = "() => { window.heard = 0; addEventListener('keydown', () => window.heard += 1) }"
    shown.page.evaluate(listen)
    shown.open().input.press_sequentially("/hello")
    assert shown.page.evaluate("window.heard") == 0


def test_it_moves_nothing_and_stores_nothing_before_the_first_message(
    chat: Callable[..., Chat],
) -> None:
    shown = chat()
    shown.page.add_init_script(SHIFTS)
    shown.start()
    stored: Any = "() => [localStorage.length, sessionStorage.length, document.cookie]"
    assert shown.page.evaluate(stored) == [0, 0, ""]
    assert shown.page.evaluate("window.shifts") == 0
    shown.ask("Can I send back my boots?")
    assert shown.page.evaluate(stored) == [0, 1, ""]
    assert shown.page.evaluate("window.shifts") == 0
