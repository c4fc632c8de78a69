"""An event: something that happened once, known by an id that is the same however often it arrives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NOTHING: Mapping[str, object] = MappingProxyType({})

TASK_KINDS = frozenset(
    {
        "task-sent",
        "task-received",
        "task-started",
        "task-succeeded",
        "task-failed",
        "task-retried",
        "task-rejected",
        "task-revoked",
        "task-cancelled",
    }
)
WORKER_KINDS = frozenset({"worker-online", "worker-heartbeat", "worker-offline"})
"""Celery's own event types (celery/events, docs/userguide/monitoring.rst); `task-cancelled` is undocumented there."""
LOST = "task-lost"
RECORDED_KINDS = frozenset({"task-unpublished", "task-ignored", "task-parked", LOST})
"""What only a recorder inside the process can tell (model/parcel.py): a publish that failed; a run that raised Ignore,
as `Task.replace` does, of which Celery says nothing; a message that the poison guard set aside (`cause`, `deaths`); one
that a full broker gave to it and did not note as given (`cause`, `because`)."""
LEDGER_KINDS = frozenset({"task-queued", LOST, "task-called-off"})
"""What our own side adds: a message was put back into its queue (rescue), a task was judged to be lost (`cause`,
`because`), or the result backend says that it was revoked, which ends it only when a worker drops its message."""
NATIVE, RECORDED, LEDGER, RECOVERY, RESULTS = "celeryev", "record", "ledger", "recovery", "result-backend"
"""Where events come from: Celery's own, over pub/sub; a recorder inside the process; our judgement; our own acts; the
result backend."""
LARGEST_PID = 2**31 - 1
END_OF_TIME = 253_402_300_800.0
"""Unix seconds of the year 10000, where calendars end."""


def fingerprint(*parts: object) -> str:
    """24 hex digits that are the same for the same parts: ids of events, evidence, findings and gaps."""
    text = "\x1f".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Event:
    """One happening.

    `at` is Unix seconds on the sender's clock, `seen` on ours. `kind` is one of `TASK_KINDS`, `WORKER_KINDS`,
    `RECORDED_KINDS` or `LEDGER_KINDS`; `source` says which way it came: NATIVE, RECORDED, LEDGER, RECOVERY, or what
    else told it (a log, a result).

    `data` holds what the kind carries, under Celery's own field names (`name`, `args`, `kwargs`, `retries`, `eta`,
    `expires`, `queue`, `root_id`, `parent_id`, `result`, `runtime`, `exception`, `traceback`, `processed`, `active`,
    `freq`, `sw_ver`, …), and from inside: `child` (pid of the pool process), `peak` (bytes), `curve` ([seconds since
    its start, rss] pairs), `payload` (the exact message) and `unsaved` (its result could not be stored) of a task;
    `reserved`, `prefetch`, `slots`, `pool` and `keeps` (keepalive is on) of a worker's heartbeat.
    """

    id: str
    kind: str
    at: float
    seen: float
    source: str
    worker: str | None = None
    pid: int | None = None
    task_id: str | None = None
    data: Mapping[str, object] = field(default_factory=lambda: NOTHING)

    def text(self, key: str) -> str | None:
        """The field as text, None when absent or null."""
        value = self.data.get(key)
        return None if value is None else str(value)

    def number(self, key: str) -> float | None:
        """The field as a number, None when absent or not one."""
        value = self.data.get(key)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def flag(self, key: str) -> bool:
        """The field as a truth value; absent is false."""
        return bool(self.data.get(key))
