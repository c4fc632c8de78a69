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

    def death(self, pid: int) -> Mapping[str, Any] | None:
        """The incident, in full, of the death of the worker whose main process was `pid`.

        None when there is none or it cannot be read.
        """
        listed = self._read("/api/v1/incidents?limit=20") or {}
        deaths = (item for item in listed.get("items", ()) if item["kind"] in DEATHS)
        told = (self.incident(item["id"]) for item in deaths)
        return next((one for one in told if one is not None and one["subject"]["pid"] == pid), None)

    def incident(self, incident_id: str) -> Mapping[str, Any] | None:
        """One incident in full; None when it cannot be read."""
        return self._read(f"/api/v1/incidents/{incident_id}")

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
