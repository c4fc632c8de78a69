"""What can be asked of tasks, and the row that answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks. `state` is an AttemptState's value; `name` is exact, or a prefix with a trailing `*`; `text` is a
    part of the id, name, args or kwargs; `since` and `until` bound `updated_at`, in Unix seconds."""

    state: str | None = None
    name: str | None = None
    queue: str | None = None
    worker: str | None = None
    text: str | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task as lists show it. Times are Unix seconds; `worker`, `pid` and times are of the newest attempt, but
    `published_at` of the first publish. `reason` is how it ended when that was no success; `runtime` is in seconds,
    `peak_rss` the most memory any of its runs was seen with (bytes)."""

    id: str
    name: str | None
    state: str
    queue: str | None
    worker: str | None
    pid: int | None
    published_at: float | None
    received_at: float | None
    started_at: float | None
    ended_at: float | None
    updated_at: float
    runtime: float | None
    retries: int | None
    reason: str | None
    peak_rss: int | None = None
