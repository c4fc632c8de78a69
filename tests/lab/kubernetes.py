"""A Kubernetes API that answers from recorded objects, over HTTP, for the real client. It is no API server: it lists
what a case of tests/data/kubernetes holds, in pages, and refuses like one."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from celeriac.clock import rfc3339
from lab.port import free_port

CASES = Path(__file__).resolve().parents[1] / "data" / "kubernetes"
NAMESPACE = "shop"


class KubernetesApi:
    """`with KubernetesApi(tmp_path) as api:` `api.kubeconfig` leads to it; `show` says what it answers.

    `forbidden` are resources it refuses with 403, `asked` the paths that were asked for, each with its query.
    """

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.kubeconfig = directory / "kubeconfig"
        self.forbidden: set[str] = set()
        self.asked: list[str] = []
        self._lists: dict[str, Any] = {}
        self._server: ThreadingHTTPServer | None = None

    def show(self, case: str, pod: str = "worker-7d4b9c6f8-x2x4z", **moments: float) -> None:
        """Answer as `case` does: `pod` is the worker's pod, `moments` (started, finished, …) Unix seconds."""
        text = (CASES / f"{case}.json").read_text(encoding="utf-8").replace('"@pod"', json.dumps(pod))
        for moment in ("started", "finished", "again"):
            text = text.replace(f'"@{moment}"', json.dumps(_second(moments.get(moment, 1_795_000_000.0))))
        self._lists = json.loads(text)

    def start(self) -> None:
        """Answer, on the same port as before."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = api.answer(self.path)
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.kubeconfig.write_text(json.dumps(self._config()), encoding="utf-8")

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, asked: str) -> tuple[int, dict[str, Any]]:
        """The status and the body for a path with its query."""
        self.asked.append(asked)
        parts = urlsplit(asked)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        resource = parts.path.rpartition("/")[2]
        if resource in self.forbidden:
            return 403, _status(403, "Forbidden", f'{resource} is forbidden: User "lab" cannot list resource')
        found = self._lists.get(parts.path)
        if found is None:
            return 404, _status(404, "NotFound", "the server could not find the requested resource")
        return 200, _page(_selected(found, query), query)

    def __enter__(self) -> Self:
        self.show("running")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _config(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": NAMESPACE}}],
            "users": [{"name": "lab", "user": {"token": "lab"}}],
        }


def _second(at: float) -> str:
    """The API writes whole seconds."""
    return rfc3339(float(int(at))).replace(".000000Z", "Z")


def _selected(found: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    field, _, value = query.get("fieldSelector", "").partition("=")
    items = [one for one in found["items"] if not field or one.get(field) == value]
    return {**found, "items": items}


def _page(found: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    start = int(query.get("continue", 0))
    end = start + int(query.get("limit", len(found["items"]) or 1))
    more = {"continue": str(end)} if end < len(found["items"]) else {}
    return {**found, "metadata": {**found["metadata"], **more}, "items": found["items"][start:end]}


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
