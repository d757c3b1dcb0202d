"""docs/widget.md: every snippet is run."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.service.config import ServiceConfig
from bot.service.tokens import verified
from bot.service.widget import FOLDER
from tests.bot.widget.chat import Chat
from tests.bot.widget.service import Pages, serving
from tests.bot.widget.shop import Shop

PAGE = (Path(__file__).parents[3] / "docs" / "widget.md").read_text(encoding="utf-8")
EXAMPLE = "https://chat.example.com"
BOOTS = "Can I send back my boots?"
NewPage = Callable[..., Page]
SECRET = "an identity secret of the test's own"


def snippet(heading: str, language: str) -> str:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", section, re.S | re.M)
    assert len(found) == 1, (heading, language)
    return str(found[0])


def on(service: str, text: str) -> str:
    assert EXAMPLE in text
    return text.replace(EXAMPLE, service)


def test_every_snippet_is_run_here() -> None:
    ours = Path(__file__).read_text(encoding="utf-8")
    for section in PAGE.split("\n## ")[1:]:
        heading = section.splitlines()[0]
        for language in re.findall(r"^```(\w+)$", section, re.M):
            run_elsewhere = language == "bash"  # tests/test_docs.py
            assert run_elsewhere or f'snippet("{heading}", "{language}")' in ours


def test_plain_html(new_page: NewPage, service: str, embedding: Pages) -> None:
    url = embedding.put(on(service, snippet("Plain HTML", "html")))
    chat = Chat(new_page(), url).start()
    expect(chat.panel.get_by_role("heading", name="Fernway help")).to_be_visible()
    chat.button("How do I book a repair?").click()
    expect(chat.answered(1)).to_contain_text("repairs")


def test_the_service_takes_the_settings() -> None:
    settings = tomllib.loads(snippet("Plain HTML", "toml"))
    assert ServiceConfig(**settings["service"]).allowed_origins == ("https://shop.example.com",)


def test_what_a_page_may_call(new_page: NewPage, service: str, embedding: Pages) -> None:
    page = new_page()
    url = embedding.put(f'<script src="{service}/widget.js"></script>')
    chat = Chat(page, url).visit()
    calls = snippet("Plain HTML", "js").splitlines()
    assert [line.partition("(")[0] for line in calls[1:]] == [
        "chat.open", "chat.ask", "chat.close", "chat.reset",
    ]  # fmt: skip
    expects = (
        lambda: expect(chat.panel).to_be_visible(),
        lambda: expect(chat.answered(1)).to_contain_text("45 days"),
        lambda: expect(chat.panel).to_be_hidden(),
        lambda: expect(chat.turns).to_have_count(0),
    )
    for line, check in zip(calls[1:], expects, strict=True):
        page.evaluate(f"async () => {{ {calls[0]}\nawait {line} }}")
        check()


def test_content_security_policy(new_page: NewPage, service: str, embedding: Pages) -> None:
    name, _, policy = on(service, snippet("Content-Security-Policy", "http")).partition(": ")
    assert name == "Content-Security-Policy"
    page = new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)
    tag = f'<script src="{service}/widget.js" async></script>'
    chat = Chat(page, embedding.put(tag, Content_Security_Policy=policy.strip())).start()
    expect(chat.ask(BOOTS)).to_contain_text("45 days")
    assert refused == []


# A React that mounts one component, runs its effect and cleans it up: the part that is used.
REACT = """let effects = [];
const useEffect = (effect) => effects.push(effect);
function mount(component, given) {
  effects = [];
  if (component(given) !== null) throw new Error("it renders nothing of its own");
  const cleaners = effects.map((effect) => effect());
  return () => cleaners.forEach((clean) => clean());
}"""


def test_react(new_page: NewPage, service: str, embedding: Pages) -> None:
    component = on(service, snippet("React", "jsx"))
    component = component.replace('import { useEffect } from "react";', REACT)
    html = on(service, snippet("React", "html"))
    page = new_page()
    url = embedding.put(
        f"{html}<script type=module>{component}\nwindow.unmount = mount(HelpChat, {{}});</script>"
    )
    chat = Chat(page, url).start()
    expect(chat.panel.get_by_role("heading", name="Fernway help")).to_be_visible()
    expect(chat.ask(BOOTS)).to_contain_text("45 days")
    page.evaluate("window.unmount()")
    expect(page.locator("truepenny-chat")).to_have_count(0)


# What WordPress does with the two hooks, as of 6.4.
WORDPRESS = """<?php
$hooks = [];
function add_action($name, $call) { $GLOBALS['hooks'][$name] = $call; }
function add_filter($name, $call) { $GLOBALS['hooks'][$name] = $call; }
function get_bloginfo($what) { return 'Fernway'; }
function wp_enqueue_script($handle, $src, $needs, $version, $args) {
    $given = ['id' => "$handle-js", 'src' => $src, $args['strategy'] => true];
    $tag = '';
    foreach ($GLOBALS['hooks']['wp_script_attributes']($given) as $name => $value) {
        $tag .= $value === true ? " $name" : sprintf(' %s="%s"', $name, htmlspecialchars($value));
    }
    echo "<script$tag></script>";
}
?>"""


def test_wordpress(new_page: NewPage, service: str, embedding: Pages) -> None:
    if not (php := shutil.which("php")):
        pytest.skip("the WordPress snippet is run by PHP, and there is none")
    plugin = on(service, snippet("WordPress", "php"))
    code = WORDPRESS + plugin + "$hooks['wp_enqueue_scripts']();"
    done = subprocess.run([php], input=code, capture_output=True, text=True, check=True)
    chat = Chat(new_page(), embedding.put(done.stdout)).start()
    expect(chat.panel.get_by_role("heading", name="Fernway help")).to_be_visible()


def test_identity_verification(
    new_page: NewPage, embedding: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUEPENNY_SERVICE_IDENTITY_SECRET", SECRET)
    known: dict[str, Callable[[str], str]] = {}
    exec(snippet("Identity verification", "python"), known)
    signed = known["signature"]("customer-7")
    assert verified("customer-7", signed, SECRET)
    html = snippet("Identity verification", "html")
    config = {
        "keys": ["k" * 40], "token_secret": "s" * 40, "identity_secret": SECRET,
        "allowed_origins": [embedding.address],
    }  # fmt: skip
    with serving(Shop(), **config) as address:
        page = on(address, html).replace("SIGNATURE", signed)
        chat = Chat(new_page(), embedding.put(page)).start()
        expect(chat.ask(BOOTS)).to_contain_text("45 days")
        forged = on(address, html).replace("SIGNATURE", signed[::-1])
        chat = Chat(new_page(), embedding.put(forged)).start()
        expect(chat.ask(BOOTS)).to_contain_text("isn’t set up for this page")


def test_theming(new_page: NewPage, service: str, embedding: Pages) -> None:
    style = "<style>" + snippet("Theming", "css") + "</style>"
    tag = f'<script src="{service}/widget.js" data-accent="red"></script>'
    chat = Chat(new_page(), embedding.put(tag, style)).start()
    looks = (
        "(panel) => { const s = getComputedStyle(panel); return [s.borderRadius, s.fontFamily] }"
    )
    assert chat.panel.evaluate(looks) == ["12px", "Georgia, serif"]
    launcher = chat.host.locator(".launcher")
    assert (
        launcher.evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgb(31, 91, 63)"
    )
    used = set(re.findall(r"--truepenny-[\w-]+", (FOLDER / "widget.css").read_text()))
    assert used == set(re.findall(r"`(--truepenny-[\w-]+)`", PAGE))
