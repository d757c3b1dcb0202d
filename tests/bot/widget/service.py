"""A service on a port of this machine, and pages of another origin that embed its widget."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from bot.service.widget import FOLDER
from tests.bot.widget.shop import Shop
from tests.fakes import parts

LIMITS = {"key_limit": "100000/minute", "address_limit": "100000/minute"}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def serving(shop: Shop, port: int | None = None, **config: Any) -> Iterator[str]:
    """The service's address; it is up inside the block."""
    port = port or free_port()
    known = threading.Event()
    app = create_app(
        parts, ServiceConfig(**(LIMITS | config)), stream=shop,
        told=lambda readiness: known.set(),
    )  # fmt: skip
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", port, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert known.wait(20)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        shop.gate.set()


@dataclass
class Pages:
    """A web server for host pages: path -> (headers, HTML). Also the widget's modules, raw."""

    server: ThreadingHTTPServer
    found: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def put(self, body: str, head: str = "", **headers: str) -> str:
        """The address of a new page with this body."""
        path = f"/{len(self.found)}.html"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        start = f'<!doctype html><html lang="en"><head><title>t</title>{head}</head>'
        html = f"{start}<body><main>{body}</main></body></html>"
        self.found[path] = (sent, html)
        return self.address + path


@contextmanager
def pages() -> Iterator[Pages]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers, text = made.found.get(self.path, ({}, None))
            kind = "text/html; charset=utf-8"
            if self.path.startswith("/modules/"):
                text = (FOLDER / self.path.removeprefix("/modules/")).read_text()
                kind = "text/javascript"
            self.send_response(200 if text is not None else 404)
            for name, value in {"Content-Type": kind, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *given: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Pages(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
