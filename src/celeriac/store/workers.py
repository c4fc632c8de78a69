"""Workers: one row for each life, merged from heartbeats, task events and answers to inspect."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select

from celeriac.model.event import WORKER_KINDS, Event
from celeriac.model.worker import Worker, from_event, merge
from celeriac.store.codec import pack, unpack
from celeriac.store.rows import find, put
from celeriac.store.schema import workers

HEARD_WITHIN = 86_400.0
"""Seconds for which a silent life stays in the view (model/view.py)."""
ANSWERED_WITHIN = 60.0
QUIET_BEATS, QUIET_FLOOR = 3.0, 6.0
"""A worker lives while it was heard within three beats, at least 6 s."""
_Life = tuple[str, int]
_BY_PRODUCERS = frozenset({"task-sent", "task-unpublished"})
"""Told by whoever publishes, which is no worker, or not as one."""


def fold(connection: Connection, events: Iterable[Event], asked: Iterable[Worker]) -> bool:
    """Merge what was heard into the lives on record; true when one changed."""
    heard: dict[_Life, Worker] = {}
    for worker in (*_of_events(events), *asked):
        life = (worker.node, worker.pid)
        heard[life] = merge(heard[life], worker) if life in heard else worker
    stored = _stored(connection, heard.keys())
    changed = []
    for life, worker in heard.items():
        before = stored.get(life)
        after = worker if before is None else merge(before, worker)
        if after != before:
            changed.append(after)
    put(connection, workers, [_row(worker) for worker in changed])
    return bool(changed)


def get(connection: Connection, node: str, pid: int) -> Worker | None:
    """One life, None when never heard of."""
    body = connection.scalar(select(workers.c.body).where(workers.c.node == node, workers.c.pid == pid))
    return None if body is None else unpack(Worker, body)


def since(connection: Connection, heard: float) -> tuple[Worker, ...]:
    """Every life heard of at or after `heard`."""
    found = connection.scalars(
        select(workers.c.body).where(workers.c.heard >= heard).order_by(workers.c.heard, workers.c.node, workers.c.pid)
    )
    return tuple(unpack(Worker, body) for body in found)


def lives(worker: Worker, at: float) -> bool:
    """True when the worker gave a sign of life close enough to `at`, and no goodbye.

    An answer to inspect counts for a minute, but only one given after the heartbeats had stopped (or never were):
    an answer from before a silence says nothing about it.
    """
    if worker.said_goodbye():
        return False
    quiet = max(QUIET_BEATS * worker.frequency, QUIET_FLOOR)
    if at - worker.heartbeat_seen <= quiet:
        return True
    asked = worker.asked_at
    return asked is not None and asked > worker.heartbeat_seen + quiet and at - asked <= ANSWERED_WITHIN


def _of_events(events: Iterable[Event]) -> Iterable[Worker]:
    """The lives that events show. Of task events only when they came matters, so each life's first and last do."""
    first: dict[_Life, Event] = {}
    last: dict[_Life, Event] = {}
    for event in events:
        if event.worker is None or event.pid is None or event.kind in _BY_PRODUCERS:
            continue
        if event.kind in WORKER_KINDS:
            yield from_event(event)
            continue
        life = (event.worker, event.pid)
        if life not in first or event.seen < first[life].seen:
            first[life] = event
        if life not in last or event.seen > last[life].seen:
            last[life] = event
    yield from (from_event(event) for event in (*first.values(), *last.values()))


def _stored(connection: Connection, lives: Collection[_Life]) -> dict[_Life, Worker]:
    nodes = list({node for node, _ in lives})
    rows = find(connection, select(workers), workers.c.node, nodes)
    return {(row.node, row.pid): unpack(Worker, row.body) for row in rows if (row.node, row.pid) in lives}


def _row(worker: Worker) -> dict[str, object]:
    signs = (worker.first_seen, worker.heartbeat_seen, worker.asked_at, worker.task_event_seen)
    return {
        "node": worker.node,
        "pid": worker.pid,
        "heard": max(sign for sign in signs if sign is not None),
        "body": pack(worker),
    }
