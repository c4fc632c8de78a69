"""Tasks that run, or ran, twice: both runs of each, and how the second came about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from celeriac.detectors.fates import visibility_timeout
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import seen
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Confidence
from celeriac.model.ledger import CLOCKS_AGREE, doubled
from celeriac.model.task import Task
from celeriac.model.view import View

SETTLES = 5.0
"""Seconds after the second start in which it is told that the first run was broken off: at a lost connection its child
may have been sent a SIGTERM (`worker_cancel_long_running_tasks_on_connection_loss`), and dies when it comes to it."""
CHILDLESS = ("threads", "solo", "gevent", "eventlet")
_RESTORING = "unacknowledged message"
"""What a worker logs when it gives back what it held (kombu/transport/virtual/base.py, RESTORING_FMT)."""


@dataclass(frozen=True, slots=True)
class Double:
    """One task, `first` and `again`. `cause` is a cause slug of `task-duplicated`, `log` the line that shows it."""

    task: Task
    first: Attempt
    again: Attempt
    cause: str
    confidence: Confidence
    log: Evidence | None = None

    @property
    def now(self) -> bool:
        """True while both run."""
        return self.first.state is AttemptState.STARTED and self.again.state is AttemptState.STARTED

    @property
    def gap(self) -> float:
        """Seconds between both deliveries."""
        return taken_at(self.again) - taken_at(self.first)


def taken_at(attempt: Attempt) -> float:
    """Unix seconds of its delivery, or of its start."""
    return attempt.received_at or attempt.started_at or 0.0


@once_per_view
def doubles(view: View) -> tuple[Double, ...]:
    """Every such task of the view."""
    several = (task for task in view.tasks if _may_have_run_again(task))
    pairs = ((task, doubled(task.attempts, partial(_still_runs, view, task))) for task in several)
    return tuple(_double(view, task, *pair) for task, pair in pairs if pair is not None)


def _may_have_run_again(task: Task) -> bool:
    """True when it may have run more than once. A start may be told twice, from inside and from outside, or only its
    end be known; most tasks ran once, and their histories are not folded for this."""
    starts = [mark for mark in task.marks if mark.what == "started"]
    inside = sum(mark.inside for mark in starts)
    ran_on = {(mark.worker, mark.pid) for mark in task.marks if mark.what in ("started", "succeeded")}
    return max(inside, len(starts) - inside, len(ran_on)) > 1


def _still_runs(view: View, task: Task, one: Attempt, then: Attempt) -> bool:
    """Only what somebody saw running: its worker, asked since; or the recorder inside, which tells the end of every
    child."""
    began = then.started_at or 0.0
    life = _life(view, one)
    if life is None or view.at - began < SETTLES:
        return False
    return _claims(life, task, one, began) or (
        life.worker.recorded_at is not None and _has_its_process(view, life, one)
    )


def _life(view: View, one: Attempt) -> Life | None:
    return next((life for life in living(view) if (life.worker.node, life.worker.pid) == (one.worker, one.pid)), None)


def _claims(life: Life, task: Task, one: Attempt, began: float) -> bool:
    """Its worker said so after the second start."""
    if one.child is None or (life.worker.asked_at or 0.0) < began:
        return False
    active = [claim.child_pid for claim in life.worker.claims or () if claim.task_id == task.id]
    return one.child in active


def _has_its_process(view: View, life: Life, one: Attempt) -> bool:
    if one.child is None:
        return life.worker.pool in CHILDLESS
    since = (one.started_at or 0.0) - CLOCKS_AGREE
    ends = (gone for gone in seen(view, "child-gone") if gone.pid == one.child and gone.at >= since)
    return not any(gone.number("parent") == one.pid for gone in ends)


def _double(view: View, task: Task, first: Attempt, again: Attempt) -> Double:
    if again.delivery == "retry" or (again.published_at is not None and _was_retried(task, again)):
        return Double(task, first, again, "retry-overlap", "certain")
    if any(
        mark.what == "queued" and taken_at(first) <= mark.at <= taken_at(again) + CLOCKS_AGREE for mark in task.marks
    ):
        return Double(task, first, again, "rescued", "certain")
    if again.published_at is not None:
        return Double(task, first, again, "published-twice", "certain")
    return _redelivered(view, task, first, again)


def _is_between(first: Attempt, at: float, again: Attempt) -> bool:
    return taken_at(first) <= at <= taken_at(again) + CLOCKS_AGREE


def _was_retried(task: Task, again: Attempt) -> bool:
    return any(one.delivery == "retry" for one in task.attempts if one.number <= again.number)


def _redelivered(view: View, task: Task, first: Attempt, again: Attempt) -> Double:
    """By the time between the deliveries: a redelivery before the visibility timeout has another reason."""
    seconds, said = visibility_timeout(view)
    redis = view.broker is None or view.broker.kind != "rabbitmq"
    if redis and taken_at(again) - taken_at(first) >= seconds - CLOCKS_AGREE:
        return Double(task, first, again, "visibility-timeout", "certain" if said else "likely")
    log = _given_back(view, first, again)
    if log is not None:
        return Double(task, first, again, "connection-blip", "certain", log)
    if (first.worker, first.pid) == (again.worker, again.pid) or _came_back(view, first, again):
        return Double(task, first, again, "connection-blip", "likely")
    return Double(task, first, again, "unknown", "likely")


def _given_back(view: View, first: Attempt, again: Attempt) -> Evidence | None:
    """The line in which the first worker says that it gave back what it held."""
    lines = (one for one in seen(view, "log-line") if _RESTORING in (one.text("line") or ""))
    between = (one for one in lines if _is_between(first, one.at, again))
    return next((one for one in between if not one.nodes or first.worker in one.nodes), None)


def _came_back(view: View, first: Attempt, again: Attempt) -> bool:
    """Celery says that a worker is online at each connection (celery/worker/heartbeat.py, start)."""
    life = _life(view, first)
    online = life.worker.online_at if life is not None else None
    return online is not None and _is_between(first, online, again)
