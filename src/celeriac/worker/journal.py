"""The journal of a worker's tasks, written in its main process: received, started, ended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from celeriac.worker.guard import guarded
from celeriac.worker.payload import exact

if TYPE_CHECKING:
    from celery.worker.request import Request

    from celeriac.model.redact import Redactor
    from celeriac.worker.flight import Flight
    from celeriac.worker.recorder import Recorder
    from celeriac.worker.requests import Recorded

STARTED: Final = "task-started"
IGNORED: Final = "task-ignored"
ENDS: Final = frozenset(
    {"task-succeeded", "task-failed", "task-retried", "task-rejected", "task-revoked", "task-cancelled", IGNORED}
)
"""After these the pool's slot is free again."""
TRACEBACK = 8192
"""Characters of a traceback that are kept, its end: there stands what was raised."""


class Journal:
    """What happens to each task in one worker. Written from the main loop, and in pools without one from any thread.

    `forks` says that tasks run in processes of their own; `payloads` is the user's option: exact | redacted | none.
    """

    def __init__(self, recorder: Recorder, flight: Flight, redactor: Redactor, *, forks: bool, payloads: str) -> None:
        self._recorder = recorder
        self._flight = flight
        self._redactor = redactor
        self._forks = forks
        self._payloads = payloads
        self._main = os.getpid()

    @guarded
    def received(self, request: Request, queue: str | None) -> None:
        """A message has arrived and its task is known; one already revoked or expired never comes here."""
        fields = request.request_dict
        data = {
            "name": request.name,
            "queue": queue,
            "retries": fields.get("retries") or 0,
            "eta": _iso(request.eta),
            "expires": _iso(request.expires),
            "root_id": request.root_id,
            "parent_id": request.parent_id,
            "tag": request.message.delivery_tag,
            "redelivered": bool(request.delivery_info.get("redelivered")),
        }
        if self._payloads != "none":
            data["args"] = self._redactor.shown(request.argsrepr)
            data["kwargs"] = self._redactor.shown(request.kwargsrepr)
        if self._payloads == "exact":
            data.update(to_receive(request.message))
        self._recorder.note("task-received", request.id, data)

    @guarded
    def happened(self, request: Recorded, kind: str, fields: Mapping[str, Any], at: float) -> None:
        """What Celery itself says of the task, with the fields of its own event."""
        child = self._child(request)
        data = self._presentable(fields) if fields else {}
        data["retries"] = request.request_dict.get("retries") or 0
        if child is not None:
            data["child"] = child
        if kind == STARTED:
            data["acknowledged"] = request.acknowledged
            self._flight.accepted(child or self._main, request.id, request.name)
        elif flown := self._flight.ended(child or self._main, request.id, quits=request.quits):
            data["peak"], data["curve"] = flown.peak, flown.curve
        self._recorder.note(kind, request.id, data, at)

    @guarded
    def blame(self, request: Request, cause: str) -> None:
        """The worker itself is about to end the process this task runs in."""
        child = self._child(request)
        if child is not None:
            self._flight.blame(child, cause)

    def _child(self, request: Request) -> int | None:
        """The pool process the task runs in; None when it is this one, or not yet known.

        Green pools give the id of a greenlet for a pid (celery/concurrency/gevent.py); they have no flight recorder.
        """
        pid = request.worker_pid if self._forks else None
        return pid if isinstance(pid, int) and pid != self._main else None

    def _presentable(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        data = dict(fields)
        if "result" in data:
            data["result"] = self._redactor.shown(data["result"]) if self._payloads != "none" else None
        if "exception" in data:
            data["exception"] = self._redactor.text(str(data["exception"]))
        if "traceback" in data:
            text = str(data["traceback"])
            data["traceback"] = self._redactor.text(text, len(text))[-TRACEBACK:]
        if data.get("signum") is not None:
            data["signum"] = str(data["signum"])
        return data


def to_receive(message: Any) -> dict[str, Any]:
    """The payload of a message that arrived."""
    delivery = message.delivery_info or {}
    return exact(
        message.body,
        message.content_type,
        message.content_encoding,
        message.headers or {},
        message.properties or {},
        delivery.get("exchange"),
        delivery.get("routing_key"),
    )


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
