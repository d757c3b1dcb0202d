"""The journeys on phone and desktop: over the scripted shop, and over the real service."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.bot.widget.chat import SIZES, Chat
from tests.bot.widget.journeys import JOURNEYS, WINDOW, Journey
from tests.bot.widget.service import LIMITS, free_port

ROOT = Path(__file__).parents[3]
SHOTS = ROOT / "var" / "widget-shots"
# Every third journey, on one size and the other in turn; the rest take their time.
SCRIPTED = [
    pytest.param(journey, size, id=f"{journey.__name__} on a {size}", marks=marks)
    for n, journey in enumerate(JOURNEYS)
    for size in SIZES
    for quick in [n % 3 == 0 and size == list(SIZES)[n // 3 % 2]]
    for marks in [() if quick else pytest.mark.slow]
]


def test_there_are_25() -> None:
    assert len(JOURNEYS) == len({journey.__name__ for journey in JOURNEYS}) == 25


@pytest.mark.parametrize(("journey", "size"), SCRIPTED)
def test_over_the_scripted_shop(journey: Journey, size: str, chat: Callable[..., Chat]) -> None:
    journey(chat(size))


@pytest.fixture(scope="module")
def real_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`truepenny serve` on the sample help centre, in a process of its own."""
    index = tmp_path_factory.mktemp("index")
    command = [str(Path(sys.executable).with_name("truepenny"))]
    subprocess.run([*command, "index", "examples/helpcentre", "--out", index], cwd=ROOT, check=True)
    port = str(free_port())
    settings = {f"TRUEPENNY_SERVICE_{key.upper()}": value for key, value in LIMITS.items()}
    environ = {**os.environ, "TRUEPENNY_STORE_URL": "sqlite://", **settings}
    served = subprocess.Popen(
        [*command, "serve", "--index", index, "--port", port], cwd=ROOT, env=environ
    )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_over_the_real_service(
    journey: Journey, size: str, new_page: Callable[..., Any], real_service: str
) -> None:
    page = new_page(size)
    try:
        journey(Chat(page, f"{real_service}/", wait_ms=60_000))
    finally:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{journey.__name__}-{size}.png")


@pytest.mark.slow
def test_the_widget_adds_little_to_the_first_sentence(
    new_page: Callable[..., Any], real_service: str
) -> None:
    """What each adds to the pipeline's own time: from the key press, and as a plain client."""
    page = new_page("desktop")
    chat = Chat(page, f"{real_service}/", wait_ms=60_000).start()
    chat.ask(WINDOW)
    page.evaluate(WATCH)
    widget, client = [], []
    for question in (WINDOW, "How long does the refund take?", "How do I book a repair?") * 4:
        client.append(_added_ms(real_service, question))
        chat.ask(question)
        seen, timings = page.evaluate("() => [window.seen, window.timings]")
        widget.append(seen - timings["first_sentence_ms"])
    in_widget, over_http = median(widget), median(client)
    print(f"added to the first sentence, p50 of {len(widget)}: "
          f"widget {in_widget:.0f} ms, HTTP client {over_http:.0f} ms")  # fmt: skip
    assert in_widget - over_http <= 50


def _added_ms(address: str, question: str) -> float:
    body = json.dumps({"message": question, "stream": True}).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{address}/v1/chat", body, headers)
    began, took = time.perf_counter(), 0.0
    with urllib.request.urlopen(asked, timeout=60) as answer:
        for line in answer:
            if line.startswith(b"event: sentence") and not took:
                took = (time.perf_counter() - began) * 1000
            if line.startswith(b"data:") and b'"timings"' in line:
                timings = json.loads(line.removeprefix(b"data:"))["timings"]
                return took - float(timings["first_sentence_ms"])
    pytest.fail(f"no reply to {question!r}")


# Notes when Enter is pressed and when the first sentence of the answer to it is on the page.
WATCH = """() => {
  const root = document.querySelector("truepenny-chat").shadowRoot;
  let pressed = 0;
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { pressed = performance.now(); window.seen = null; }
  }, true);
  new MutationObserver(() => {
    const last = [...root.querySelectorAll("li.turn.bot")].at(-1);
    if (window.seen === null && last?.querySelector("[data-sentence]")) {
      window.seen = performance.now() - pressed;
    }
  }).observe(root, { childList: true, subtree: true });
  const plain = JSON.parse;
  JSON.parse = (text) => {
    const made = plain(text);
    if (made?.timings) window.timings = made.timings;
    return made;
  };
}"""


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the service didn't become ready within 180 seconds")
