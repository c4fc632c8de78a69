"""Tasks: one row each, folded from events; and how many there are in each state."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select, text

from celeriac.model.attempt import AttemptState
from celeriac.model.event import Event
from celeriac.model.ledger import Term
from celeriac.model.task import UNSAVED, Task, fold_all, merge
from celeriac.store import balance
from celeriac.store.balance import standings
from celeriac.store.query import TaskRow
from celeriac.store.rows import add, find, put
from celeriac.store.schema import OPEN_TERMS, sightings, task_counts, tasks
from celeriac.store.taskrows import FOLDED, JUDGED, LISTED, to_listed, to_row, to_task

OPEN_ON_WORKER = ("started", "reserved")
LOSS_WINDOW = 15 * 60.0
"""Seconds for which a task that failed by its worker's loss stays in the view (model/view.py)."""
_LOSSES = {
    "failed": ("WorkerLost", "Worker exited prematurely", "TimeLimitExceeded", UNSAVED),
    "revoked": ("terminated by",),
    "rejected": ("requeued",),
}
"""By state, how a task says that its pool child was lost: in billiard's words (billiard/exceptions.py,
billiard/pool.py), and in those of model/task.py."""


def fold(connection: Connection, events: Iterable[Event]) -> bool:
    """Fold task events into their rows, one write per task; true when a row changed."""
    seen = _by_task(events)
    stored = {row.id: row for row in find(connection, select(*FOLDED), tasks.c.id, list(seen))}
    changed = {}
    for task_id, task in seen.items():
        before = to_task(stored[task_id]) if task_id in stored else None
        after = task if before is None else merge(before, task)
        if after != before:
            changed[task_id] = to_row(after)
    put(connection, tasks, list(changed.values()))
    _count(connection, [row for task_id, row in stored.items() if task_id in changed], list(changed.values()))
    return bool(changed)


def _count(connection: Connection, before: Sequence[Row[Any]], after: Sequence[Mapping[str, Any]]) -> None:
    """Take tasks out of what they were in before, and into what they are in now."""
    states = Counter[str](row["state"] for row in after)
    states.subtract(row.state for row in before)
    count(connection, states)
    balance.move(connection, left=standings(row._mapping for row in before), entered=standings(after))


def count(connection: Connection, moves: Mapping[str, int]) -> None:
    """Move the counters by what entered (or left) each state."""
    add(connection, task_counts, ({"state": state, "tasks": change} for state, change in moves.items()))


def counts(connection: Connection) -> dict[str, int]:
    """How many tasks are in each state; states without any are left out."""
    return {row.state: row.tasks for row in connection.execute(select(task_counts)) if row.tasks}


def get(connection: Connection, task_id: str) -> Task | None:
    """The task, None when never heard of."""
    row = connection.execute(select(*FOLDED).where(tasks.c.id == task_id)).one_or_none()
    return None if row is None else to_task(row)


def listed(connection: Connection, ids: Sequence[str]) -> dict[str, TaskRow]:
    """Those of `ids` that were ever heard of."""
    return {row.id: to_listed(row) for row in find(connection, select(*LISTED), tasks.c.id, list(dict.fromkeys(ids)))}


def in_view(connection: Connection, at: float, limit: int, named: Sequence[str] = ()) -> tuple[list[Row[Any]], bool]:
    """The rows of the tasks that detectors judge, and whether these are all: held by a worker, ended by the loss of one
    or of its child, lost, dead or run twice of late, and those `named` by evidence."""
    late = tasks.c.updated_at >= at - LOSS_WINDOW
    looked_for = select(sightings.c.task_id).where(sightings.c.looked_at >= at - LOSS_WINDOW)
    odd = (
        select(*JUDGED).where(text(OPEN_TERMS), tasks.c.term == Term.LOST.value, or_(late, tasks.c.id.in_(looked_for))),
        select(*JUDGED).where(tasks.c.state == AttemptState.DEAD.value, late),
        select(*JUDGED).where(text("doubled"), late),
    )
    lost = (
        select(*JUDGED).where(
            tasks.c.state == state,
            tasks.c.updated_at >= at - LOSS_WINDOW,
            or_(*(tasks.c.reason.contains(word) for word in words)),
        )
        for state, words in _LOSSES.items()
    )
    held = (select(*JUDGED).where(tasks.c.state == state, tasks.c.worker.is_not(None)) for state in OPEN_ON_WORKER)
    newest = (query.order_by(tasks.c.updated_at.desc()).limit(limit + 1) for query in (*lost, *odd, *held))
    rows = {row.id: row for row in find(connection, select(*JUDGED), tasks.c.id, named)}
    rows |= {row.id: row for query in newest for row in connection.execute(query)}
    found = list(rows.values())
    return found[:limit], len(found) <= limit


def _by_task(events: Iterable[Event]) -> dict[str, Task]:
    told: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.task_id is not None:
            told[event.task_id].append(event)
    return {task_id: fold_all(task_id, its) for task_id, its in told.items()}
