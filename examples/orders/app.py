"""The order service over HTTP: `python -m examples.orders.app --port 8200`.

Requests are signed when a secret is set, changes are idempotent by their `Idempotency-Key`.
"""

import argparse
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

from examples.orders.orders import Orders, TooLate, Unknown

LONGEST_S = 300  # how old a signed request may be
SECRET = "ORDERS_SECRET"


Key = Annotated[str, Header(alias="Idempotency-Key")]


class Change(BaseModel):
    """What a change says; each route reads its own part."""

    email: str
    address: str = ""
    item: str = ""
    reason: str = ""
    refund_as: str = ""


def create_app(orders: Orders, secret: str = "", fail: Callable[[], int] = lambda: 0) -> FastAPI:
    """Builds the service.

    Args:
        orders: Where the orders are.
        secret: What requests are signed with; none asks for no signature.
        fail: Gives an HTTP status to fail with before anything is done, or 0; for tests.
    """

    async def signed(
        request: Request,
        x_truepenny_timestamp: Annotated[str, Header()] = "0",
        x_truepenny_signature: Annotated[str, Header()] = "",
    ) -> None:
        if status := fail():
            raise HTTPException(status, "out of order")
        if not secret:
            return
        body = await request.body()
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.scope["raw_path"].decode().partition("?")[0] + query
        text = f"{x_truepenny_timestamp}.{request.method}.{path}.".encode() + body
        expected = "sha256=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        fresh = abs(time.time() - float(x_truepenny_timestamp)) <= LONGEST_S
        if not fresh or not hmac.compare_digest(expected, x_truepenny_signature):
            raise HTTPException(401, "the signature doesn't match")

    app = FastAPI(title="Orders", dependencies=[Depends(signed)])

    @app.get("/orders/{number}")
    def find(number: str, email: str) -> Response:
        return _answer(lambda: orders.find(number, email))

    @app.post("/orders/{number}/cancel")
    def cancel(number: str, change: Change, key: Key) -> Response:
        return _once(orders, key, lambda: orders.cancel(number, change.email))

    @app.put("/orders/{number}/address")
    def move(number: str, change: Change, key: Key) -> Response:
        return _once(orders, key, lambda: orders.move(number, change.email, change.address))

    @app.post("/orders/{number}/returns")
    def take_back(number: str, change: Change, key: Key) -> Response:
        return _once(orders, key, lambda: orders.take_back(number, change.email, change.item))

    return app


def _once(orders: Orders, key: str, change: Callable[[], dict[str, Any]]) -> Response:
    """The first answer for a key, however often it is asked."""
    with orders.lock:
        if kept := orders.answered(key):
            return Response(kept["body"], kept["status"], media_type="application/json")
        made = _answer(change)
        orders.keep_answer(key, made.status_code, bytes(made.body).decode())
        return made


def _answer(work: Callable[[], dict[str, Any]]) -> Response:
    try:
        status, body = 200, work()
    except Unknown:
        status, body = 404, {"detail": "no such order"}
    except TooLate:
        status, body = 409, {"detail": "no longer possible"}
    return Response(json.dumps(body), status, media_type="application/json")


def main() -> None:
    """Runs the service on loopback."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument("--database", default=":memory:")
    given = parser.parse_args()
    app = create_app(Orders(datetime.now(), given.database), os.environ.get(SECRET, ""))
    uvicorn.run(app, host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
