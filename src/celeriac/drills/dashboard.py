"""What the demo reads from the server it started: the same HTTP interface that scripts use."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT = 3.0
OPEN = ("open", "acknowledged")
DEATHS = ("worker-oom-killed", "worker-lost")


class Dashboard:
    """The server at `url`. Every read has a timeout, and answers None when it could not be made."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self) -> bool:
        """True when it serves and reads its store."""
        return self._read("/readyz") is not None

    def death(self, worker: str) -> Mapping[str, Any] | None:
        """The incident of the death of a worker whose node name begins with `worker`, in full, open ones first.

        None when there is none or it cannot be read.
        """
        listed = self._read("/api/v1/incidents?limit=50") or {}
        deaths = [item for item in listed.get("items", ()) if _tells_of_death(item, worker)]
        if not deaths:
            return None
        chosen = min(deaths, key=lambda item: item["state"] not in OPEN)
        return self._read(f"/api/v1/incidents/{chosen['id']}")

    def waiting(self, queue: str) -> int | None:
        """Messages that wait in `queue`; None when not known."""
        listed = self._read("/api/v1/queues") or {}
        return next((item["ready"] for item in listed.get("items", ()) if item["name"] == queue), None)

    def _read(self, path: str) -> Mapping[str, Any] | None:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=TIMEOUT) as answer:  # noqa: S310 - our own loopback
                content = json.load(answer)
        except (OSError, ValueError):  # refused, slow, an error status, or no JSON
            return None
        return content if isinstance(content, dict) else None


def _tells_of_death(item: Mapping[str, Any], worker: str) -> bool:
    named = str(item["subject"]["worker"] or "").startswith(worker)
    return named and item["kind"] in DEATHS and item["state"] != "pending"
