"""A Chatwoot of our own: it keeps conversations, calls the bot and is called back, as documented.

It signs its calls, waits `patience_s` for an answer, repeats a failed call under the same delivery
id, and then marks the message as failed and opens the conversation for people. The bot is sent
everything, its own messages too. A bot's token may only create messages and toggle the status.
`faults` are played one a request: a status, "late" (taken, but answered too late), "cut" (taken,
and the connection is closed).
"""

import hashlib
import hmac
import json
import queue
import re
import threading
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

TOKEN, SECRET, ACCOUNT = "bot-token", "chatwoot-secret", 3
PATH = re.compile(rf"/api/v1/accounts/{ACCOUNT}/conversations/(\d+)/(messages|toggle_status)")


class ChatwootServer:
    """Conversations by number; `said` and `status` show what became of them."""

    def __init__(self, bot_url: str = "", *, tries: int = 1, patience_s: float = 5.0) -> None:
        self.bot_url = bot_url
        self.tries = tries
        self.patience_s = patience_s
        self.late_s = 1.0
        self.echoes = True
        self.faults: deque[int | str] = deque()
        self.status: dict[int, str] = {}
        self.messages: list[dict[str, Any]] = []
        self.failed: list[int] = []
        self.answers: list[tuple[int, Any]] = []
        self.refused: list[str] = []
        self._lock = threading.RLock()
        self._client = httpx.Client(verify=False)  # no certificates to load: it is all loopback
        self._calls: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.01,)),
            threading.Thread(target=self._call_bot),
        ]

    def __enter__(self) -> "ChatwootServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._calls.put(None)
        self._http.shutdown()
        self._http.server_close()
        self._client.close()
        for thread in self._threads:
            thread.join(10)

    def customer(self, text: str | None, conversation: int = 5) -> dict[str, Any]:
        """A customer writes; a new or resolved conversation is the bot's."""
        with self._lock:
            if self.status.get(conversation, "resolved") == "resolved":
                self.status[conversation] = "pending"
            return self._add(conversation, "incoming", text, {"id": 9, "name": "Ada"})

    def person(self, text: str, conversation: int = 5, private: bool = False) -> None:
        """A person of the support writes."""
        with self._lock:
            sender = {"id": 1, "name": "Sam", "type": "user"}
            self._add(conversation, "outgoing", text, sender, private=private)

    def toggle(self, status: str, conversation: int = 5) -> None:
        """The status changes; the bot hears of it."""
        with self._lock:
            before, self.status[conversation] = self.status[conversation], status
            payload: dict[str, Any] = {"id": conversation, "status": status, "messages": []}
            if status == "pending":
                change = {"status": {"previous_value": before, "current_value": status}}
                payload |= {"event": "conversation_updated", "changed_attributes": [change]}
            else:
                event = {"open": "opened", "resolved": "resolved"}[status]
                payload["event"] = f"conversation_{event}"
            self._calls.put(payload)

    def said(self, conversation: int = 5, private: bool = False) -> list[str]:
        """What the bot said, in order."""
        with self._lock:
            return [
                m["content"] for m in self.messages
                if m["conversation"]["id"] == conversation and m["private"] == private
                and m["sender"].get("type") == "agent_bot"
            ]  # fmt: skip

    def until(self, condition: Any, seconds: float = 10.0) -> None:
        """Waits for something to become true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.messages, self.status, self.answers)
            time.sleep(0.01)

    def quiet(self) -> None:
        """Waits until the bot has answered all calls."""
        self.until(lambda: self._calls.unfinished_tasks == 0)

    def send(self, payload: dict[str, Any], delivery: str = "", **changes: Any) -> httpx.Response:
        """One signed call; `changes` replace the secret, the time, or the body after signing."""
        body = json.dumps(payload).encode()
        at = str(changes.get("at", int(time.time())))
        secret = changes.get("secret", SECRET).encode()
        mac = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json", "X-Chatwoot-Timestamp": at,
            "X-Chatwoot-Signature": f"sha256={mac}", "X-Chatwoot-Delivery": delivery or _new(),
        } | changes.get("headers", {})  # fmt: skip
        url = f"{self.bot_url}/integrations/chatwoot/webhook"
        given = {name: value for name, value in headers.items() if value}
        return self._client.post(
            url, content=changes.get("body", body), headers=given, timeout=self.patience_s
        )

    def _add(
        self, conversation: int, kind: str, text: str | None, sender: dict[str, Any],
        private: bool = False, attributes: Any = None,
    ) -> dict[str, Any]:  # fmt: skip
        message = {
            "id": len(self.messages) + 100, "content": text, "message_type": kind,
            "content_type": "text", "private": private, "sender": sender,
            "created_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "content_attributes": attributes or {}, "source_id": None,
            "account": {"id": ACCOUNT, "name": "Shop"}, "inbox": {"id": 2, "name": "Site"},
            "conversation": {
                "id": conversation, "status": self.status[conversation], "inbox_id": 2,
                "channel": "Channel::WebWidget", "can_reply": True, "messages": [],
            },
        }  # fmt: skip
        self.messages.append(message)
        if kind == "incoming" or self.echoes:
            self._calls.put(message | {"event": "message_created"})
        return message

    def _call_bot(self) -> None:
        while (payload := self._calls.get()) is not None:
            if self.bot_url and not self._call(payload):
                with self._lock:
                    kind = payload.get("message_type")
                    number = payload["conversation"]["id"] if kind else payload["id"]
                    if self.status[number] == "pending" and kind == "incoming":
                        self.failed.append(payload["id"])
                        self.toggle("open", number)
            self._calls.task_done()

    def _call(self, payload: dict[str, Any]) -> bool:
        delivery = _new()
        for _ in range(self.tries):
            try:
                response = self.send(payload, delivery)
            except httpx.HTTPError:
                self.answers.append((0, None))
                continue
            self.answers.append((response.status_code, response.json().get("status")))
            if response.is_success:
                return True
        return False

    def _take(self, path: str, body: dict[str, Any]) -> bool:
        found = PATH.fullmatch(path)
        number = int(found[1]) if found else 0
        if not found or number not in self.status:
            return False
        if found[2] == "toggle_status":
            self.toggle(body["status"], number)
            return True
        assert body["message_type"] == "outgoing"
        bot = {"id": 7, "name": "Truepenny", "type": "agent_bot"}
        attributes = body.get("content_attributes")
        self._add(number, "outgoing", body["content"], bot, body["private"], attributes)
        return True

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.refused.append(self.path)
                self._answer(401)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers.get("api_access_token") != TOKEN:
                    server.refused.append(self.path)
                    return self._answer(401)
                fault = server.faults.popleft() if server.faults else None
                if isinstance(fault, int):
                    return self._answer(fault)
                with server._lock:
                    taken = server._take(self.path, body)
                if fault == "late":
                    time.sleep(server.late_s)
                if fault == "cut":
                    self.close_connection = True
                    return None
                return self._answer(200 if taken else 404)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                try:
                    self.wfile.write(b"{}")
                except OSError:  # it didn't wait
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def _new() -> str:
    return str(uuid.uuid4())
