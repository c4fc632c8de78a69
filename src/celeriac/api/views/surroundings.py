"""Everything the store knows around one task."""

from __future__ import annotations

from typing import Any, Literal

from celeriac.api.liveness import Liveness
from celeriac.api.surroundings import Claimed, Declared, Line, Process, Running, Surroundings, Usual
from celeriac.api.views.balance import sight_of
from celeriac.api.views.memory import pool_json, pools
from celeriac.api.views.queues import WINDOW
from celeriac.api.views.roles import roles
from celeriac.api.views.workers import judged_lives
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.event import Event
from celeriac.model.ledger import Term
from celeriac.model.queue import Queue
from celeriac.model.task import Task
from celeriac.model.worker import Worker
from celeriac.store import Store, TaskRow
from celeriac.store.query import Condition, TaskQuery

Lives = list[tuple[Worker, Liveness]]
PACE_WINDOW = 60.0
"""Seconds over which it is counted what workers take from a queue."""
SETTLED = 2.0
"""Seconds between a start, an answer and the watermark beyond which their order is sure."""
MOST = 200
"""Tasks of its name, or on its worker, that are looked at."""
FEWEST = 20
"""Run times below which a percentile says nothing."""


def surroundings(store: Store, task: Task, events: tuple[Event, ...], at: float, *, stale: bool) -> Surroundings:
    """What is known around `task`, which `events` are on record of, at the watermark `at`."""
    held = next((one for one in store.held() or () if one.task_id == task.id), None)
    lives = judged_lives(store, at, stale=stale)
    last = task.last
    running = last is not None and last.state is AttemptState.STARTED
    return Surroundings(
        at=at,
        stale=stale,
        declared=_declared(store, task.id),
        roles=roles(store, task.id),
        held=held,
        sighting=store.sighting(task.id),
        claimed=_claim(lives, task.id),
        queue=_queue(store.queues(at - WINDOW), task),
        ahead=_ahead(store, task),
        pace=_pace(store, task, at),
        liveness=_liveness(lives, last),
        denied=_denial(lives, task, at),
        called_off=max((event.at for event in events if event.kind == "task-called-off"), default=None),
        line=_line(store, lives, last),
        process=_process(store, lives, task) if running else None,
        usual=_usual(store, task.name) if running else None,
        watching=store.first_seen(),
        hears=_hears(store) if last is None else "producers",
    )


_DECLARED = (Term.HELD.value, Term.UNKNOWN.value, Term.WAITING.value)


def _hears(store: Store) -> Literal["nobody", "workers", "producers"]:
    """From whom a task that was never heard of would have been."""
    sight = sight_of(store, store.balance()[0])
    if sight.publishes:
        return "producers"
    unheard = not sight.tasks and any(worker.processed for worker in store.workers())
    return "nobody" if unheard else "workers"


def _declared(store: Store, task_id: str) -> Declared | None:
    row = store.find_task_ids([task_id]).get(task_id)
    if row is None or row.because is None or row.term not in _DECLARED:
        return None
    return Declared(row.term, row.because)


def _queue(queues: tuple[Queue, ...], task: Task) -> Queue | None:
    """The task's queue; for a task that no event named, one that shows it at an end."""
    if task.queue is not None:
        return next((queue for queue in queues if queue.name == task.queue), None)
    if task.last is not None:
        return None
    return next((queue for queue in queues if task.id in (queue.latest.oldest_id, queue.latest.newest_id)), None)


def _ahead(store: Store, task: Task) -> int | None:
    """As the ledger has it, so only where its publish is on record."""
    if not _waits(task) or task.queue is None or task.published_at is None:
        return None
    return store.ahead(task.queue, task.published_at)


def _pace(store: Store, task: Task, at: float) -> float | None:
    """None while no event tells that any was taken."""
    if not _waits(task) or task.queue is None:
        return None
    return store.taken(task.queue, at - PACE_WINDOW) / PACE_WINDOW or None


def _waits(task: Task) -> bool:
    return task.last is not None and task.last.worker is None and not task.last.state.ended


def _claim(lives: Lives, task_id: str) -> Claimed | None:
    for worker, liveness in lives:
        if liveness.state == "alive" and worker.asked_at is not None:
            state = next((one.state for one in worker.claims or () if one.task_id == task_id), None)
            if state:
                return Claimed(worker.node, state, worker.asked_at)
    return None


def _life(lives: Lives, attempt: Attempt | None) -> tuple[Worker, Liveness] | None:
    if attempt is None or attempt.worker is None:
        return None
    return next((one for one in lives if (one[0].node, one[0].pid) == (attempt.worker, attempt.pid)), None)


def _liveness(lives: Lives, attempt: Attempt | None) -> Liveness | None:
    life = _life(lives, attempt)
    return life[1] if life else None


def _denial(lives: Lives, task: Task, at: float) -> float | None:
    """When the life that took the task last listed all it has, and the task was not there. Only an answer that all
    events were read beyond counts: until then its end may still be on its way."""
    last = task.last
    taken = None if last is None else last.started_at or last.received_at
    life = _life(lives, last)
    if taken is None or life is None:
        return None
    worker = life[0]
    if worker.claims is None or worker.asked_at is None or not taken + SETTLED < worker.asked_at < at - SETTLED:
        return None
    return None if any(one.task_id == task.id for one in worker.claims) else worker.asked_at


def _line(store: Store, lives: Lives, last: Attempt | None) -> Line | None:
    """What its worker has to do first."""
    if last is None or last.state is not AttemptState.RESERVED or last.worker is None:
        return None
    has = _had_by(store, last)
    runs = tuple(
        Running(row.id, row.name, row.started_at)
        for row in sorted(has, key=lambda row: row.started_at or 0.0)
        if row.term == Term.RUNNING
    )
    taken = last.received_at or 0.0
    before = sum(row.term == Term.RESERVED and (row.received_at or 0.0) < taken for row in has)
    life = _life(lives, last)
    return Line(runs, _slots(life[0]) if life else None, before)


def _had_by(store: Store, last: Attempt) -> list[TaskRow]:
    """What the same life of its worker holds."""
    held = (Condition("worker", (last.worker or "",)), Condition("term", (Term.RUNNING.value, Term.RESERVED.value)))
    return [row for row in store.tasks(TaskQuery(held), limit=MOST).items if row.pid == last.pid]


def _slots(worker: Worker) -> int | None:
    told = None if worker.room is None else worker.room.slots
    return worker.concurrency if told is None else told


def _process(store: Store, lives: Lives, task: Task) -> Process | None:
    """The child that runs it: as its worker's pool was last seen, else as its worker said when it was asked."""
    last = task.last
    level = pools(store.evidence(store.watermark())).get(last.worker or "") if last else None
    if level is not None:
        seen: Any = next((one for one in pool_json(level)["children"] if one["task_id"] == task.id), None)
        if seen:
            return Process(seen["pid"], seen["rss"], level.at)
    life = _life(lives, last)
    claims = (life[0].claims or ()) if life else ()
    claim = next((one for one in claims if one.task_id == task.id and one.child_pid), None)
    return Process(claim.child_pid, None, life[0].asked_at or 0.0) if claim and claim.child_pid and life else None


def _usual(store: Store, name: str | None) -> Usual | None:
    """What the newest of its name that succeeded took."""
    if name is None:
        return None
    wanted = (Condition("name", (name,)), Condition("term", (Term.SUCCEEDED.value,)))
    runs = sorted(row.runtime for row in store.tasks(TaskQuery(wanted), limit=MOST).items if row.runtime is not None)
    memory = next((one.p95 for one in store.memory() if one.name == name), None)
    return Usual(len(runs), runs[int(len(runs) * 0.95)] if len(runs) >= FEWEST else None, memory)
