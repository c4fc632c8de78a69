"""Event rows: appended once each, kept a day, the timeline of tasks and the books on starts."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, literal_column, select

from celeriac.model.event import RECORDED, Event
from celeriac.model.gap import STARTS_LIMIT
from celeriac.store import rows, tasks
from celeriac.store.codec import pack_mapping
from celeriac.store.nul import may_hold_nul, without_nul
from celeriac.store.schema import events

_STARTED: ColumnElement[str] = literal_column("'task-started'")
_CANCELLED: ColumnElement[str] = literal_column("'task-cancelled'")
_CALLED_OFF: ColumnElement[str] = literal_column("'task-called-off'")
"""Written out, not bound: only then does a planner see that the partial indexes fit."""


def append(connection: Connection, batch: Sequence[Event]) -> tuple[Event, ...]:
    """Write the events not seen before; those.

    An event that comes again carries its first time again, so (at, id) tells it: in the order of time the index
    grows at its end, where random ids alone would touch every page of it in every batch.
    """
    unique = {event.id: event for event in batch}
    known = known_at(connection, {event.at for event in batch})
    fresh = [_kept(event) for event in unique.values() if event.id not in known]
    rows.append(connection, events, [row for _, row in fresh])
    return tuple(event for event, _ in fresh)


def known_at(connection: Connection, times: Set[float]) -> set[str]:
    """The ids of the events on record of these very times."""
    return {event_id for (event_id,) in rows.find(connection, select(events.c.id), events.c.at, list(times))}


def timeline(connection: Connection, task_id: str, limit: int) -> tuple[Event, ...]:
    """The newest `limit` events of a task, oldest first.

    Found by the times of the task's marks: every event leaves one, but a cancelled delivery and an order to drop it. An
    index by task id would cost a third of the ingest rate.
    """
    task = tasks.get(connection, task_id)
    times = [] if task is None else sorted({mark.at for mark in task.marks})[-limit:]
    seen = events.c.at.in_(times) | (events.c.kind == _CANCELLED) | (events.c.kind == _CALLED_OFF)
    found = connection.execute(
        select(events)
        .where(events.c.task_id == task_id, seen)
        .order_by(events.c.at.desc(), events.c.seq.desc())
        .limit(limit)
    )
    return tuple(_event(row) for row in reversed(found.all()))


def starts(connection: Connection, worker: str, pid: int, after: float) -> tuple[float, ...]:
    """When tasks started in one worker life later than `after`, by the worker's clock, in order; as Celery's own events
    tell, which the books are kept on."""
    found = (
        select(events.c.at)
        .where(
            events.c.kind == _STARTED,
            events.c.source != RECORDED,
            events.c.worker == worker,
            events.c.pid == pid,
            events.c.at > after,
        )
        .order_by(events.c.at)
        .limit(STARTS_LIMIT)
    )
    return tuple(connection.scalars(found))


def _kept(event: Event) -> tuple[Event, dict[str, Any]]:
    """The event as it can be kept, and its row."""
    row = _row(event)
    if not may_hold_nul(row["data"], event.task_id, event.worker):
        return event, row
    event = without_nul(event)
    return event, _row(event)


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "at": event.at,
        "seen": event.seen,
        "source": event.source,
        "worker": event.worker,
        "pid": event.pid,
        "task_id": event.task_id,
        "data": pack_mapping(event.data),
    }


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        kind=row.kind,
        at=row.at,
        seen=row.seen,
        source=row.source,
        worker=row.worker,
        pid=row.pid,
        task_id=row.task_id,
        data=msgspec.json.decode(row.data),
    )
