"""Let go of what is old, a few rows at a time, so that no write waits behind a great delete."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from celeriac.model.attempt import AttemptState
from celeriac.store import balance
from celeriac.store.revisions import bump
from celeriac.store.schema import (
    audit,
    events,
    evidence,
    gaps,
    incident_log,
    incident_tasks,
    incidents,
    memory_peaks,
    queue_samples,
    recordings,
    requests,
    sightings,
    sources,
    tallies,
    tasks,
    workers,
)
from celeriac.store.taskrows import FOLDED
from celeriac.store.tasks import count

HOUR, DAY = 3600.0, 86_400.0
EDGES_KEPT = 50_000
"""Edges among the facts about hosts: some 200 MB of them, when something dies again and again for days."""
_WEEK = frozenset(state.value for state in AttemptState if state.ended) - {"failed", "lost", "dead"}
"""Ends that nobody asks about after a week; the others, and what never ended, stay for 90 days."""


def prune(connection: Connection, now: float, limit: int) -> int:
    """Delete at most `limit` rows that are past their age; how many were. 0 means all is done."""
    left = limit
    for step in (_events, _samples, _tasks, _incidents, _rest):
        left -= step(connection, now, left)
        if left <= 0:
            break
    return limit - left


def _events(connection: Connection, now: float, limit: int) -> int:
    """Rows lie in the order they came in, so only the first ones are looked at: no index on `seen` is paid for."""
    first = connection.execute(select(events.c.seq, events.c.seen).order_by(events.c.seq).limit(limit)).all()
    return _delete(connection, events, events.c.seq, [row.seq for row in first if row.seen < now - DAY])


def _samples(connection: Connection, now: float, limit: int) -> int:
    at = queue_samples.c.at
    deleted = 0
    for old in (at < now - DAY, (at < now - HOUR) & queue_samples.c.coarse.is_(False)):
        moments = connection.scalars(select(at).where(old).order_by(at).limit(max(0, limit - deleted))).all()
        if moments:
            deleted += connection.execute(delete(queue_samples).where(old, at.in_(set(moments)))).rowcount
    return min(deleted, limit)


def _tasks(connection: Connection, now: float, limit: int) -> int:
    deleted = 0
    for state in AttemptState:
        age = 7 * DAY if state.value in _WEEK else 90 * DAY
        old = connection.execute(
            select(*FOLDED)
            .where(tasks.c.state == state.value, tasks.c.updated_at < now - age)
            .order_by(tasks.c.updated_at)
            .limit(max(0, limit - deleted))
        ).all()
        ids = [row.id for row in old]
        gone = _delete(connection, tasks, tasks.c.id, ids)
        _delete(connection, sightings, sightings.c.task_id, ids)
        balance.move(connection, left=balance.standings(row._mapping for row in old), entered=())
        count(connection, Counter({state.value: -gone}))
        deleted += gone
    if deleted:
        bump(connection, "tasks")
    return deleted


def _incidents(connection: Connection, now: float, limit: int) -> int:
    ids = connection.scalars(
        select(incidents.c.id)
        .where(incidents.c.state == "resolved", incidents.c.resolved_at < now - 365 * DAY)
        .limit(min(limit, 100))
    ).all()
    _delete(connection, incident_tasks, incident_tasks.c.incident, ids)
    _delete(connection, incident_log, incident_log.c.incident, ids)
    return _delete(connection, incidents, incidents.c.id, ids)


def _rest(connection: Connection, now: float, limit: int) -> int:
    """What is small: facts about hosts, holes, books, answered requests, lives long over."""
    month = now - 30 * DAY
    past: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (evidence, evidence.c.level.is_(False) & (evidence.c.at < max(month, _oldest_edge(connection)))),
        (evidence, evidence.c.level & (evidence.c.at < now - DAY)),
        (gaps, gaps.c.found_at < month),
        (recordings, recordings.c.heard_at < now - 90 * DAY),
        (sources, sources.c.name.contains("@") & (sources.c.mark < now - 2 * DAY)),
        (memory_peaks, memory_peaks.c.day < int(now // DAY) - 8),
        (tallies, tallies.c.at < now - 7 * DAY),
        (requests, requests.c.settled_at < month),
        (sightings, sightings.c.looked_at < now - DAY),
        (audit, audit.c.at < now - 365 * DAY),
        (workers, workers.c.heard < now - 30 * DAY),
    )
    deleted = 0
    for table, old in past:
        key = next(iter(table.primary_key))
        keys = connection.scalars(select(key).where(old).limit(max(0, limit - deleted))).all()
        if keys:
            deleted += connection.execute(delete(table).where(old, key.in_(set(keys)))).rowcount
    return deleted


def _oldest_edge(connection: Connection) -> float:
    """Unix seconds of the oldest edge that is kept for their number, 0 while there are fewer."""
    newest = select(evidence.c.at).where(evidence.c.level.is_(False)).order_by(evidence.c.at.desc())
    return connection.scalar(newest.offset(EDGES_KEPT - 1).limit(1)) or 0.0


def _delete(connection: Connection, table: Table, key: ColumnElement[object], keys: object) -> int:
    return connection.execute(delete(table).where(key.in_(keys))).rowcount if keys else 0  # type: ignore[arg-type]
