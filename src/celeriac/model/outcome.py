"""What the result backend holds: how single tasks ended, and how far chords have come."""

from __future__ import annotations

from dataclasses import dataclass

DONE = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
"""The states that Celery stores with the time of the end (celery/backends/base.py, _get_result_meta)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One stored result. `at` is Unix seconds on the clock of the process that stored it, None while not ended.
    `worker` and `retries` are there with `result_extended` alone; `error` is what was raised, "Type('message')"."""

    task_id: str
    status: str
    at: float | None = None
    worker: str | None = None
    name: str | None = None
    retries: int | None = None
    error: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class ChordCount:
    """How far one chord has come: `done` of `size` members are counted. `counted` are their ids, None where the
    backend does not say (Celery before 5.7, or too many). `expires_in` is in seconds: then the count is forgotten, and
    the body never runs; None without an end. `claimed` says that a worker has begun to publish the body."""

    group_id: str
    size: int
    done: int
    counted: frozenset[str] | None = None
    expires_in: float | None = None
    claimed: bool = False
