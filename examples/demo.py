"""What `make demo` runs: the service, the shop's flows, and the order service that they talk to.

The order service lives in a thread of this process, on a free port and with a secret of its own,
so that it comes and goes with the demo.
"""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.dialogue.parts import SECRET
from bot.serve import serve
from examples.orders.app import create_app
from examples.orders.orders import Orders
from models.terminal import explained, say

FLOWS, URL = "TRUEPENNY_BOT_FLOWS", "TRUEPENNY_BOT_ACTION_URL"
FOLDER = Path(__file__).parent / "flows"
HINT = "In the chat, try: where is my order? It is FW-20400123, of sam@mail.example."


@contextmanager
def serving_orders(secret: str) -> Iterator[str]:
    """Serves sample orders as long as it is open; gives their address."""
    import uvicorn

    orders = Orders(datetime.now())
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(orders, secret), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    run = {"sockets": [listening]}
    thread = threading.Thread(target=server.run, kwargs=run, name="orders", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        listening.close()
        orders.close()


@explained
def main(
    index: Annotated[Path, typer.Option(help="The index folder.")] = Path("var/index"),
    port: Annotated[int, typer.Option(help="Port of the service.")] = 8080,
) -> None:
    """Runs the demo until it is told to stop. Flows that the environment names stay."""
    if FLOWS in os.environ:
        serve(index=index, port=port)
        return
    secret = secrets.token_hex(16)
    with serving_orders(secret) as url:
        os.environ.update({FLOWS: str(FOLDER), URL: url, SECRET: secret})
        say(HINT)
        serve(index=index, port=port)


if __name__ == "__main__":
    typer.run(main)
