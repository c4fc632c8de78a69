"""What a living worker dropped: when its connection to RabbitMQ breaks it forgets what it had not begun
(celery/worker/consumer/consumer.py, `on_close`), and the broker puts it back."""

from __future__ import annotations

from celeriac.detectors.attendance import pops
from celeriac.detectors.deliveries import open_on
from celeriac.detectors.liveness import living
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.returns import was_acknowledged
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Worker

SETTLE = 5.0
"""Seconds between taking a task and an answer that leaves it out: what was taken meanwhile may be missing there."""


@once_per_view
def dropped(view: View) -> tuple[Task, ...]:
    """Tasks that a living worker took and did not begin, and that it no longer lists among all it has."""
    if view.broker is None or pops(view):
        return ()
    return tuple(task for life in living(view) for task in _dropped_by(view, life.worker))


def _dropped_by(view: View, worker: Worker) -> tuple[Task, ...]:
    if worker.claims is None or worker.asked_at is None:
        return ()
    listed = {claim.task_id for claim in worker.claims}
    taken = open_on(view, worker.node, worker.pid, before=worker.asked_at - SETTLE)
    return tuple(task for task in taken if task.id not in listed and _was_only_taken(task))


def _was_only_taken(task: Task) -> bool:
    last = task.last
    return last is not None and last.started_at is None and not was_acknowledged(task)
