"""Read incidents: pages, one, those still live, those of a task, and the log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from celeriac.model.incident import Incident, IncidentState
from celeriac.store.codec import unpack
from celeriac.store.incident_rows import IncidentRow, LogEntry
from celeriac.store.page import Page, cursor, position
from celeriac.store.schema import incident_log, incident_tasks, incidents

REOPEN_WITHIN = 3600.0
"""Seconds after which a resolved incident's return is a new incident."""
PAGE_LIMIT = 500
LIVE_LIMIT = 5_000
LOG_LIMIT = 1_000
_UNRESOLVED = tuple(state.value for state in IncidentState if state is not IncidentState.RESOLVED)


def page(
    connection: Connection, states: frozenset[IncidentState] | None, kind: str | None, after: str | None, limit: int
) -> Page[IncidentRow]:
    """Incidents in any of `states` and of `kind` (None: whatever), newest first."""
    limit = max(1, min(limit, PAGE_LIMIT))
    wanted = select(incidents)
    if states is not None:
        wanted = wanted.where(incidents.c.state.in_([state.value for state in states]))
    if kind is not None:
        wanted = wanted.where(incidents.c.kind == kind)
    if after is not None:
        wanted = wanted.where(incidents.c.seq < position(after, int)[0])
    found = connection.execute(wanted.order_by(incidents.c.seq.desc()).limit(limit + 1)).all()
    items = tuple(_row(row) for row in found[:limit])
    return Page(items, cursor(items[-1].seq) if len(found) > limit else None)


def get(connection: Connection, incident_id: str) -> IncidentRow | None:
    """The incident, None when there is none of that id."""
    row = connection.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
    return None if row is None else _row(row)


def live(connection: Connection, at: float) -> tuple[Incident, ...]:
    """Every incident not resolved, and those resolved so short before `at` that they may reopen; oldest first."""
    resolved = incidents.c.state == IncidentState.RESOLVED.value
    found = (
        select(incidents.c.body)
        .where(or_(incidents.c.state.in_(_UNRESOLVED), and_(resolved, incidents.c.resolved_at >= at - REOPEN_WITHIN)))
        .order_by(incidents.c.seq)
        .limit(LIVE_LIMIT)
    )
    return tuple(unpack(Incident, body) for body in connection.scalars(found))


def of_task(connection: Connection, task_id: str) -> tuple[tuple[str, str], ...]:
    """(incident id, role) of each part the task has in an incident, newest incident first."""
    found = (
        select(incident_tasks.c.incident, incident_tasks.c.role)
        .join(incidents, incidents.c.id == incident_tasks.c.incident)
        .where(incident_tasks.c.task_id == task_id)
        .order_by(incidents.c.seq.desc(), incident_tasks.c.role)
    )
    return tuple((row.incident, row.role) for row in connection.execute(found))


def log(connection: Connection, incident_id: str) -> tuple[LogEntry, ...]:
    """The changes of an incident's state, oldest first; the newest `LOG_LIMIT`."""
    newest = (
        select(
            incident_log.c.at,
            incident_log.c.incident,
            incident_log.c.from_state,
            incident_log.c.to_state,
            incident_log.c.summary,
        )
        .where(incident_log.c.incident == incident_id)
        .order_by(incident_log.c.seq.desc())
        .limit(LOG_LIMIT)
    )
    return tuple(LogEntry(*row) for row in reversed(connection.execute(newest).all()))


def _row(row: Row[Any]) -> IncidentRow:
    return IncidentRow(unpack(Incident, row.body), row.playbook, row.seq)
