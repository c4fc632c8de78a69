"""Queues: a row for each look at each, fine for minutes, coarse for a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import Any, cast

from sqlalchemy import Connection, Row, or_, select

from celeriac.model.attempt import AttemptState
from celeriac.model.queue import Queue, QueueSample
from celeriac.model.worker import Worker
from celeriac.store import tasks
from celeriac.store.rows import find, put
from celeriac.store.schema import queue_samples, queues
from celeriac.store.workers import lives

FINE = 120.0
"""Seconds for which a read gives every look; before that one in `COARSE` seconds."""
COARSE = 10.0
_FIELDS = tuple(queue_samples.c[field.name] for field in fields(QueueSample))


def add(connection: Connection, samples: Sequence[QueueSample]) -> bool:
    """Record one look; true when a queue differs from its look before."""
    before = _latest(connection, [sample.queue for sample in samples])
    changed = False
    for sample in samples:
        row = before.get(sample.queue)
        last = None if row is None else _sample(row)
        aged = replace(sample, oldest_since=_oldest_since(connection, sample, last))
        coarse = row is None or sample.at - row.coarse_at >= COARSE
        _write(connection, aged, coarse_at=sample.at if row is None or coarse else row.coarse_at, coarse=coarse)
        changed = changed or last is None or replace(last, at=aged.at) != aged
    return changed


def since(connection: Connection, at: float, newest: float, workers: Iterable[Worker]) -> tuple[Queue, ...]:
    """Every queue looked at since `at`, with its looks, thinned where older than `FINE` before `newest`."""
    found = connection.execute(
        select(*_FIELDS)
        .where(
            queue_samples.c.queue.in_(select(queues.c.name).where(queues.c.at >= at)),
            queue_samples.c.at >= at,
            or_(queue_samples.c.at >= newest - FINE, queue_samples.c.coarse),
        )
        .order_by(queue_samples.c.queue, queue_samples.c.at)
    )
    living = [worker for worker in workers if lives(worker, newest)]
    return tuple(
        Queue(name, tuple(_sample(row) for row in rows), _consumers(name, living))
        for name, rows in groupby(found, key=lambda row: str(row.queue))
    )


def newest(connection: Connection) -> dict[str, QueueSample]:
    """The newest look at every queue that the newest look at the broker saw."""
    at = select(queues.c.at).order_by(queues.c.at.desc()).limit(1).scalar_subquery()
    return {row.queue: _sample(row) for row in connection.execute(select(*_FIELDS).where(queue_samples.c.at == at))}


def _consumers(name: str, living: Sequence[Worker]) -> tuple[str, ...] | None:
    """Who takes from the queue; unknown while nobody is known to, and a living worker did not say what it takes."""
    nodes = {worker.node for worker in living if worker.queues is not None and name in worker.queues}
    if not nodes and any(worker.queues is None for worker in living):
        return None
    return tuple(sorted(nodes))


def _sample(row: Row[Any]) -> QueueSample:
    return QueueSample(*cast("tuple[Any, ...]", row)[: len(_FIELDS)])


def _latest(connection: Connection, names: Sequence[str]) -> dict[str, Row[Any]]:
    newest = select(*_FIELDS, queues.c.coarse_at).join(
        queues, (queues.c.name == queue_samples.c.queue) & (queues.c.at == queue_samples.c.at)
    )
    return {row.queue: row for row in find(connection, newest, queues.c.name, names)}


def _write(connection: Connection, sample: QueueSample, *, coarse_at: float, coarse: bool) -> None:
    row = {field.name: getattr(sample, field.name) for field in fields(sample)}
    put(connection, queue_samples, [row | {"coarse": coarse}])
    put(connection, queues, [{"name": sample.queue, "at": sample.at, "coarse_at": coarse_at}])


def _oldest_since(connection: Connection, sample: QueueSample, last: QueueSample | None) -> float | None:
    """Since when the oldest message is known to wait: its publish, else the first look that showed it at either end."""
    if sample.oldest_since is not None or sample.oldest_id is None:
        return sample.oldest_since
    if last is not None and last.oldest_id == sample.oldest_id and last.oldest_since is not None:
        return last.oldest_since
    known = (sample.at, _published(connection, sample.oldest_id), _entered(connection, sample))
    return min(at for at in known if at is not None)


def _published(connection: Connection, task_id: str) -> float | None:
    """When the message was published; unknown once a worker took it, since what waits now is a later delivery."""
    task = tasks.get(connection, task_id)
    last = None if task is None else task.last
    return last.published_at if last is not None and last.state is AttemptState.PUBLISHED else None


def _entered(connection: Connection, sample: QueueSample) -> float | None:
    """The first look in which the now oldest message was the newest."""
    looks = (
        select(queue_samples.c.at)
        .where(queue_samples.c.newest_id == sample.oldest_id, queue_samples.c.queue == sample.queue)
        .order_by(queue_samples.c.at)
        .limit(1)
    )
    found: float | None = connection.scalar(looks)
    return found
