"""Celery's own log lines, as events of tasks and as last words of workers.

Formats: celery/app/defaults.py (worker_log_format), celery/app/trace.py (LOG_*), celery/worker/strategy.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from celeriac.model.event import Event, fingerprint
from celeriac.model.evidence import Evidence

_LINE_LIMIT = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HEAD = re.compile(r"^\[(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}): [A-Z]+/[^\]]+\] (?P<text>.*)$")
_READY = re.compile(r"^(?P<node>\S+@\S+) ready\.$")
_TASK = re.compile(r"^Task (?P<name>[^\s\[\]]+)\[(?P<id>[^\]\s]+)\] (?P<rest>.*)$")
_RECEIVED_BEFORE_5 = re.compile(r"^Received task: (?P<name>[^\s\[\]]+)\[(?P<id>[^\]\s]+)\]")
_SUCCEEDED = re.compile(r"^succeeded in (?P<runtime>[\d.e+-]+)s: (?P<result>.*)$")
_FAILED = re.compile(r"^(?:raised unexpected|raised expected|INTERNAL ERROR): (?P<exception>.*)$")
_RETRIED = re.compile(r"^retry: (?P<exception>.*)$")

SIGNATURES = (
    ("unrecoverable", "Unrecoverable error"),
    ("child-killed", "Worker exited prematurely: signal 9 (SIGKILL)"),
    ("up-timeout", "Timed out waiting for UP message"),
    ("broker-out-of-memory", "OOM command not allowed"),
    ("broker-read-only", "READONLY You can't write against a read only"),
    ("precondition-failed", "PRECONDITION_FAILED"),
    ("warm-shutdown", "Warm shutdown"),
    ("cold-shutdown", "Cold shutdown"),
    ("memory-error", "MemoryError"),
)
"""Signature and the words that are it, the more telling first: one line has one signature."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose log it is, and `how` to show it. `node` is None until the log says it.

    `zone` is that of its clock, which it does not write: None is this host's.
    """

    host: str
    how: str
    zone: tzinfo | None = None
    node: str | None = None
    container: str | None = None
    pid: int = 0


class LogReader:
    """Reads one worker's log, line by line. A line without a time, a traceback's say, has that of the one before."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._node = origin.node
        self._time: float | None = None

    @property
    def node(self) -> str | None:
        """Whose log it is, as the log itself says where it does."""
        return self._node

    def read(self, lines: Iterable[str], seen: float) -> tuple[Event | Evidence, ...]:
        """Everything that `lines`, read at `seen` (Unix seconds), come to; oldest first."""
        return tuple(found for line in lines for found in self._feed(_COLOUR.sub("", line), seen))

    def _feed(self, line: str, seen: float) -> Iterator[Event | Evidence]:
        head = _HEAD.match(line)
        if head:
            self._time = _unix(head["time"], self._origin.zone)
            ready = _READY.match(head["text"])
            self._node = ready["node"] if ready else self._node
            event = self._event(head["text"], self._time, seen)
            if event is not None:
                yield event
        signature = next((name for name, words in SIGNATURES if words in line), None)
        if signature is not None:
            yield self._last_words(signature, line.strip(), seen if self._time is None else self._time)

    def _event(self, text: str, at: float, seen: float) -> Event | None:
        old = _RECEIVED_BEFORE_5.match(text)
        match = old or _TASK.match(text)
        said = _said("received" if old else match["rest"]) if match else None
        if match is None or said is None:
            return None
        kind, data = said
        return Event(
            id=fingerprint("log", self._node, f"{at:.3f}", kind, match["id"]),
            kind=kind,
            at=at,
            seen=seen,
            source="log",
            worker=self._node,
            pid=self._origin.pid,
            task_id=match["id"],
            data={"name": match["name"], **data},
        )

    def _last_words(self, signature: str, line: str, at: float) -> Evidence:
        return Evidence(
            id=fingerprint("log-line", self._origin.host, self._node, f"{at:.3f}", line),
            at=at,
            source="log",
            what="log-line",
            host=self._origin.host,
            fact=f"the worker's log says: {line[:_LINE_LIMIT]}",
            how=self._origin.how,
            nodes=(self._node,) if self._node else (),
            container=self._origin.container,
            data={"signature": signature, "line": line[:_LINE_LIMIT]},
        )


def written_at(line: str) -> float | None:
    """Unix seconds when the line was written, if the clock of the log is in UTC; None when it does not say."""
    head = _HEAD.match(_COLOUR.sub("", line))
    return _unix(head["time"], UTC) if head else None


def _said(rest: str) -> tuple[str, dict[str, object]] | None:
    """Event kind and its fields, from what follows `Task name[id] `."""
    if rest == "received":
        return "task-received", {}
    if match := _SUCCEEDED.match(rest):
        return "task-succeeded", {"runtime": float(match["runtime"]), "result": match["result"]}
    if match := _FAILED.match(rest):
        return "task-failed", {"exception": match["exception"]}
    if match := _RETRIED.match(rest):
        return "task-retried", {"exception": match["exception"]}
    return None


def _unix(text: str, zone: tzinfo | None) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=zone).timestamp()
