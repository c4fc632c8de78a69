"""Events as a worker sends them, made up: one task's life, a heartbeat."""

from __future__ import annotations

from collections.abc import Mapping

from celeriac.model.event import NOTHING, Event, fingerprint

Data = Mapping[str, object]

WORKER = "celery@lab"


def event(
    kind: str, at: float, *, task_id: str | None = None, worker: str = WORKER, pid: int = 7, data: Data = NOTHING
) -> Event:
    """One event; the same arguments give the same id."""
    name = fingerprint(kind, at, task_id, worker, pid)
    return Event(name, kind, at, at, "events", worker, pid, task_id, data)


def life(
    task_id: str, at: float, *, end: str = "succeeded", worker: str = WORKER, name: str = "lab.add"
) -> tuple[Event, ...]:
    """A task sent at `at`, received, started and ended 0.1 s after each other."""
    last: dict[str, object] = {"result": "3", "runtime": 0.1} if end == "succeeded" else {"exception": "OSError('no')"}
    sent = {"name": name, "queue": "celery", "retries": 0}
    received = {"name": name, "args": "(1, 2)", "retries": 0}
    return (
        event("task-sent", at, task_id=task_id, worker="gen1@web", pid=1, data=sent),
        event("task-received", at + 0.1, task_id=task_id, worker=worker, data=received),
        event("task-started", at + 0.2, task_id=task_id, worker=worker),
        event(f"task-{end}", at + 0.3, task_id=task_id, worker=worker, data=last),
    )


def heartbeat(at: float, processed: int = 0, *, worker: str = WORKER, pid: int = 7) -> Event:
    """A worker's heartbeat with its figures."""
    figures = {"freq": 2.0, "processed": processed, "active": 0}
    return event("worker-heartbeat", at, worker=worker, pid=pid, data=figures)
