"""The web app: `python -m celeriac.drills.systems.exports.web PORT`.

POST /exports {"order_id": 1, "rows": 50000} is accepted with 202 and handed to the queue; GET /healthz answers 200.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from celeriac.drills.systems.exports.app import export_csv

BODY_LIMIT = 4096


class Shop(BaseHTTPRequestHandler):
    """Accepts exports."""

    timeout = 5.0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such page"})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        if self.path != "/exports" or size > BODY_LIMIT:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such page"})
            return
        order = json.loads(self.rfile.read(size))
        task = export_csv.delay(int(order["order_id"]), int(order["rows"]))
        self._answer(HTTPStatus.ACCEPTED, {"id": task.id, "message": "your export is being prepared"})

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        print(f"{self.log_date_time_string()} {format % args}", flush=True)


def main(port: int) -> None:
    """Serve until told to stop."""
    with ThreadingHTTPServer(("127.0.0.1", port), Shop) as server:
        # shutdown() waits for serve_forever(), which this signal interrupts: another thread has to call it
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
