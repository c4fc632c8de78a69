"""Tasks that ran and could not say how they ended: told by the recorder, or seen from outside."""

from __future__ import annotations

from celeriac.detectors.liveness import Standing, lives
from celeriac.model.attempt import AttemptState
from celeriac.model.task import UNSAVED, Task
from celeriac.model.view import View
from celeriac.model.worker import Worker

SETTLE = 2.0
"""Seconds after its start in which a worker that is asked may not show a task yet."""


def unsaved_in(view: View) -> tuple[Task, ...]:
    """Tasks that ran, and whose worker could not store their result; the oldest first."""
    failed = (task for task in view.tasks if task.ending is not None and task.ending.text.startswith(UNSAVED))
    return tuple(sorted(failed, key=lambda task: task.updated_at))


def silent_since(view: View, since: float) -> tuple[Task, ...]:
    """Tasks that were started on a living worker which has said, later than `since`, that it has them no more."""
    workers = {(one.worker.node, one.worker.pid): one.worker for one in lives(view) if one.standing is Standing.ALIVE}
    return tuple(task for task in view.tasks if _denied(task, workers, since))


def _denied(task: Task, workers: dict[tuple[str, int], Worker], since: float) -> bool:
    last = task.last
    if last is None or last.state is not AttemptState.STARTED:
        return False
    worker = workers.get((last.worker or "", last.pid or 0))
    if worker is None or worker.claims is None or worker.asked_at is None:
        return False
    asked_later = worker.asked_at > max(since, (last.started_at or 0.0) + SETTLE)
    return asked_later and all(claim.task_id != task.id for claim in worker.claims)
