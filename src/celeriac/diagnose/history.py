"""What was known before this look: a server's store, log files, a result backend; as events for the store in memory."""

from __future__ import annotations

from dataclasses import replace

from celeriac.model.event import Event, fingerprint
from celeriac.model.mark import heard_once
from celeriac.model.task import Task
from celeriac.store import Batch, Store

SCALARS = ("name", "queue", "args", "kwargs", "eta", "expires", "root_id", "parent_id")


def adopt(store: Store, history: Store, now: float) -> None:
    """Take over from `history` what detectors judge: workers, the tasks on them, host evidence, gaps."""
    view = history.view(now)
    events = tuple(event for task in view.tasks for event in _events_of(task))
    store.record(Batch(now, events=events, workers=view.workers, evidence=view.evidence, gaps=view.gaps))


def _events_of(task: Task) -> tuple[Event, ...]:
    """The events a task's marks came from; its scalars ride on the first."""
    known = {name: getattr(task, name) for name in SCALARS if getattr(task, name) is not None}
    events = tuple(
        Event(
            id=fingerprint("history", task.id, *mark),
            kind="task-revoked" if mark.what == "expired" else f"task-{mark.what}",
            at=mark.at,
            seen=mark.at,
            source="ledger",
            worker=mark.worker or None,
            pid=mark.pid or None,
            task_id=task.id,
            data={
                "retries": mark.retries,
                "exception": mark.detail or None,
                "expired": mark.what == "expired",
                "child": mark.child,
                "peak": mark.peak,
            },
        )
        for mark in heard_once(task.marks)
    )
    return (replace(events[0], data={**events[0].data, **known}), *events[1:]) if events else ()
