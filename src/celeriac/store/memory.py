"""The most memory that tasks were seen with, by name: a day's histogram on a logarithmic scale.

A bucket is 5 % wide, so a percentile is right to 2.5 %; the greatest peak of each bucket is kept exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, tuple_

from celeriac.model.event import Event
from celeriac.store.rows import find, put
from celeriac.store.schema import memory_peaks, tasks

DAY = 86_400.0
WEEK = 7 * DAY
STEP = math.log(1.05)
NAMES = 1_000
"""Task names told of; those that took the most come first."""
_Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Peaks:
    """What tasks of one name took, in bytes: `tasks` of them, `worker` where the greatest ran."""

    name: str
    tasks: int
    p50: int
    p95: int
    max: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class _Bucket:
    tasks: int
    peak: int
    worker: str | None

    def with_(self, other: _Bucket) -> _Bucket:
        greatest = max(self, other, key=lambda one: (one.peak, one.worker or ""))
        return replace(greatest, tasks=self.tasks + other.tasks)


def fold(connection: Connection, fresh: Iterable[Event]) -> None:
    """Count every end that tells its task's peak. An end often carries no name: its task row, folded before, does."""
    ends = [event for event in fresh if event.task_id and (event.number("peak") or 0) >= 1]
    if not ends:
        return
    names = _names(connection, {event.task_id for event in ends if event.task_id})
    added: dict[_Key, _Bucket] = {}
    for event in ends:
        name = names.get(event.task_id or "")
        if name is None:
            continue
        peak = int(event.number("peak") or 0)
        key = (name, int(event.at // DAY), int(math.log(peak) / STEP))
        one = _Bucket(1, peak, event.worker)
        added[key] = added[key].with_(one) if key in added else one
    for key, known in _kept(connection, list(added)).items():
        added[key] = added[key].with_(known)
    put(connection, memory_peaks, [_row(key, bucket) for key, bucket in added.items()])


def peaks(connection: Connection, now: float) -> tuple[Peaks, ...]:
    """What each task name took in the last week, the greatest first."""
    buckets: dict[str, list[_Bucket]] = defaultdict(list)
    found = select(memory_peaks).where(memory_peaks.c.day >= int((now - WEEK) // DAY))
    for row in connection.execute(found):
        buckets[row.name].append(_Bucket(row.tasks, row.peak, row.worker))
    told = [_peaks(name, sorted(one, key=lambda bucket: bucket.peak)) for name, one in buckets.items()]
    return tuple(sorted(told, key=lambda one: (-one.max, one.name))[:NAMES])


def _peaks(name: str, buckets: list[_Bucket]) -> Peaks:
    count = sum(bucket.tasks for bucket in buckets)
    greatest = buckets[-1]
    return Peaks(name, count, _rank(buckets, count * 0.5), _rank(buckets, count * 0.95), greatest.peak, greatest.worker)


def _rank(buckets: list[_Bucket], rank: float) -> int:
    """The peak that `rank` tasks did not exceed."""
    below = 0
    for bucket in buckets:
        below += bucket.tasks
        if below >= rank:
            return bucket.peak
    return buckets[-1].peak


def _names(connection: Connection, ids: set[str]) -> Mapping[str, str]:
    found = find(connection, select(tasks.c.id, tasks.c.name), tasks.c.id, list(ids))
    return {row.id: row.name for row in found if row.name is not None}


def _kept(connection: Connection, keys: list[_Key]) -> dict[_Key, _Bucket]:
    columns = memory_peaks.c
    found = connection.execute(select(memory_peaks).where(tuple_(columns.name, columns.day, columns.bucket).in_(keys)))
    return {(row.name, row.day, row.bucket): _Bucket(row.tasks, row.peak, row.worker) for row in found}


def _row(key: _Key, bucket: _Bucket) -> dict[str, object]:
    name, day, number = key
    return {
        "name": name,
        "day": day,
        "bucket": number,
        "tasks": bucket.tasks,
        "peak": bucket.peak,
        "worker": bucket.worker,
    }
