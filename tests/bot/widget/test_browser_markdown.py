"""Markdown as nodes, and where a sentence's chips stand in it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.bot.widget.service import Pages

Render = Callable[..., str]
SENTENCE = r"""([text, ends]) => import("/modules/markdown.js").then(({ render }) => {
  const chips = (n) => { const b = document.createElement("b"); b.append(String(n)); return [b]; };
  const holder = document.createElement("div");
  holder.append(...render(text, ends.map((end) => ({ end })), chips));
  return holder.innerHTML.replace(/<span data-sentence="\d+"><\/span>/g, "")
    .replace(/<span data-sentence="(\d+)">/g, "<s$1>")
    .replace(/ target="_blank" rel="noopener noreferrer"/g, "");
})"""


@pytest.fixture(scope="module")
def render(browser: Any, embedding: Pages) -> Iterator[Render]:
    page = browser.new_page()
    page.goto(embedding.put(""))
    yield lambda text, *ends: str(page.evaluate(SENTENCE, [text, list(ends)]))
    page.close()


def test_blocks(render: Render) -> None:
    cases = {
        "one\ntwo\n\nthree": "<p>one two</p><p>three</p>",
        "one  \ntwo": "<p>one<br>two</p>",
        "## Title\ntext": '<p class="heading">Title</p><p>text</p>',
        "- a\n- b\n  - c\n- d": "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>",
        "3. a\n4. b": '<ol start="3"><li>a</li><li>b</li></ol>',
        "1. a\n   more\n\n2. b": '<ol><li>a more</li></ol><ol start="2"><li>b</li></ol>',
        "> said\n> so": "<blockquote>said so</blockquote>",
        "```\n<b> **x**\n```": '<pre tabindex="0"><code>&lt;b&gt; **x**</code></pre>',
        "| a | b |\n|---|---|\n| 1 \\| 2 | `c` |": '<div class="table" tabindex="0" role="group">'
        '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
        "<tbody><tr><td>1 | 2</td><td><code>c</code></td></tr></tbody></table></div>",
    }
    assert {text: render(text) for text in cases} == cases


def test_words(render: Render) -> None:
    cases = {
        "**a *b* c** `d*e*`": "<p><strong>a <em>b</em> c</strong> <code>d*e*</code></p>",
        "2 * 3 * 4, snake_case_word, \\*x\\*": "<p>2 * 3 * 4, snake_case_word, *x*</p>",
        "[a](https://x.example/y_(z)) <https://b.example>": "<p>"
        '<a href="https://x.example/y_(z)">a</a> '
        '<a href="https://b.example/">https://b.example</a></p>',
        "see https://x.example/a.": '<p>see <a href="https://x.example/a">https://x.example/a</a>.</p>',
        "[m](mailto:a@b.example)": '<p><a href="mailto:a@b.example">m</a></p>',
        "<b>x</b> & <img src=x onerror=y>": "<p>&lt;b&gt;x&lt;/b&gt; &amp; "
        "&lt;img src=x onerror=y&gt;</p>",
        "**open and `open": "<p>**open and `open</p>",
    }
    assert {text: render(text) for text in cases} == cases


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//x.example",
     "/relative", "file:///etc/passwd", "blob:https://x.example/1"],
)  # fmt: skip
def test_only_web_and_mail_links(render: Render, address: str) -> None:
    made = render(f"[label]({address})")
    assert "<a" not in made
    assert "label" in made


def test_chips_stand_where_sentences_end(render: Render) -> None:
    made = render("One. Two.", 4, 9)
    assert made == (
        '<p><span class="glued"><s0>One.</span><b>0</b></span><s1> </span>'
        '<span class="glued"><s1>Two.</span><b>1</b></span></p>'
    )


def test_chips_in_lists_tables_code_and_bold(render: Render) -> None:
    listed = render("- a\n- b\n", 3, 8)
    assert listed.count("<li>") == 2
    assert listed.index("<b>0</b>") < listed.index("<b>1</b>")
    row = render("| a | b |", 9)
    assert row.count("<td>") == 2
    assert "<b>0</b></span></td></tr>" in row
    fenced = render("```\ncode\n```", 12)
    assert fenced.endswith("</pre><p><b>0</b></p>")
    bold = render("**All.** More.", 8, 14)
    assert bold.startswith("<p><strong><s0>All.</span></strong><b>0</b>")


def test_ends_count_characters_not_utf16_units(render: Render) -> None:
    text = "A 🎒🎒 pack. 好的。"
    assert "pack.</span><b>0</b>" in render(text, 11, 15)
    assert "好的。</span><b>1</b>" in render(text, 11, 15)


def test_text_that_looks_like_a_mark_is_text(render: Render) -> None:
    made = render("a\ue000\ue100b\u202ec", 6)
    assert made.count("<b>") == 1
    assert "\ufffd\ufffdb" in made
    assert "\u202e" not in made


@pytest.mark.parametrize("piece", ["*", "**", "`", "[", "[a](", "_", "|", "- ", "> ", "\\", "1. "])
def test_no_text_takes_long(render: Render, piece: str) -> None:
    began = time.monotonic()
    render(piece * (20_000 // len(piece)))
    render(f"{piece}a " * 4_000)
    assert time.monotonic() - began < 8  # a machine with other work; alone it is a tenth of it
