"""Ends that no event told, as the result backend has them."""

from __future__ import annotations

from celeriac.model.attempt import SKEW, Attempt, AttemptState
from celeriac.model.event import RESULTS, Event, fingerprint
from celeriac.model.outcome import DONE, Outcome
from celeriac.model.redact import Redactor
from celeriac.model.task import TRACEBACK_LIMIT, Task

SETTLE = 3.0
"""Seconds by which the event of an end may come later than its result."""
SLACK = 1.0
_KINDS = {"SUCCESS": "task-succeeded", "FAILURE": "task-failed", "REVOKED": "task-revoked"}
_EXPIRED = "TaskRevokedError('expired')"
_OVER = ("TaskRevokedError('terminated')", _EXPIRED)
"""What only the worker says that has dropped the task (celery/worker/request.py, _announce_revoked)."""
_REDACTOR = Redactor()


def end_of(task: Task, outcome: Outcome, heard_until: float, now: float) -> Event | None:
    """The event that `outcome` stands for; None while its own may still come (`heard_until`: the watermark), when it
    was heard, and when it is of an earlier delivery."""
    at, last = outcome.at, task.last
    if at is None or last is None or outcome.status not in DONE or at > heard_until - SETTLE:
        return None
    if at < _earliest(last) or any(_is_told(one, at) for one in task.attempts):
        return None
    worker = outcome.worker or last.worker
    return Event(
        id=fingerprint(RESULTS, task.id, outcome.status, at),
        kind=_kind(last, outcome),
        at=at,
        seen=now,
        source=RESULTS,
        worker=worker,
        pid=last.pid if worker == last.worker else None,
        task_id=task.id,
        data=_data(outcome),
    )


def _kind(last: Attempt, outcome: Outcome) -> str:
    """What is REVOKED by an order alone (celery/worker/control.py, revoke) is called off, and not over: the message
    stands where it stood, and a worker that starts afresh knows of no order, and runs it."""
    over = last.state is AttemptState.LOST or outcome.error in _OVER
    return "task-called-off" if outcome.status == "REVOKED" and not over else _KINDS[outcome.status]


def _earliest(last: Attempt) -> float:
    """When the newest delivery can have ended at the earliest: by its worker's clock, or nearly by another's."""
    if last.started_at is not None:
        return last.started_at - SLACK
    return (last.received_at or last.published_at or 0.0) - SKEW


def _is_told(attempt: Attempt, at: float) -> bool:
    """Whether this delivery is known to have ended about then, whoever said it; a declared loss is no end."""
    ended = attempt.ended_at is not None and attempt.state is not AttemptState.LOST
    return ended and abs((attempt.ended_at or 0.0) - at) <= SETTLE


def _data(outcome: Outcome) -> dict[str, object]:
    data: dict[str, object] = {"name": outcome.name, "retries": outcome.retries}
    if outcome.error == _EXPIRED:
        data["expired"] = True
    elif outcome.error is not None:
        data["exception"] = _REDACTOR.text(outcome.error)
    if outcome.traceback is not None:
        data["traceback"] = _REDACTOR.text(outcome.traceback, len(outcome.traceback))[-TRACEBACK_LIMIT:]
    return {key: value for key, value in data.items() if value is not None}
