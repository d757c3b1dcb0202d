"""A service for the bench's tests: it answers as ours does, in 0.2 s, and ends as it is told to.

Run by test_load: python stub_service.py PORT patient|hasty
"""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Ready at once; a reply is a status, a pause, and the reply."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self._tell("status", "{}")
        time.sleep(0.2)
        self._tell("reply", '{"action": "answer"}')

    def log_message(self, *args: object) -> None:
        """Says nothing."""

    def _tell(self, name: str, data: str) -> None:
        self.wfile.write(f"event: {name}\ndata: {data}\n\n".encode())


def main(port: str, ending: str) -> None:
    """Listens until SIGTERM; what is under way is finished if it is patient."""
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = False

    def stop(*args: object) -> None:
        if ending == "hasty":
            os._exit(0)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
    server.server_close()


main(*sys.argv[1:])
