"""What the recorder inside a worker says of its pool's memory, read from its newest `pool-memory` evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from celeriac.detectors.liveness import Life
from celeriac.detectors.traces import STALE_AFTER, seen
from celeriac.model.evidence import Evidence
from celeriac.model.view import View

AGE = 6 * STALE_AFTER
"""Seconds after which a level is old; a pool in which nothing changes is told of every ten."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of a pool's trend: bytes of all its processes, of its largest child, tasks ended so far, and bytes that
    its memory group used (None when not seen)."""

    at: float
    total: float
    largest: float
    ended: float
    usage: float | None = None


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that runs of one task name were seen with, bytes; `at` is when one last came near `most`."""

    name: str
    runs: int
    median: float
    high: float
    most: float
    at: float


@dataclass(frozen=True, slots=True)
class PoolMemory:
    """Sizes in bytes, None when unknown. `usage` and `limit` are the memory group's."""

    told: Evidence
    limit: float | None
    usage: float | None
    main: float | None
    baseline: float | None
    children: tuple[float, ...]
    trend: tuple[Moment, ...]
    peaks: tuple[Peak, ...]

    @property
    def course(self) -> tuple[tuple[float, float], ...]:
        """(Unix seconds, bytes) of what counts against the limit: the group's own figure, which knows what processes
        share, else the sum of theirs."""
        if all(one.usage is not None for one in self.trend):
            return tuple((one.at, one.usage or 0.0) for one in self.trend)
        return tuple((one.at, one.total) for one in self.trend)

    @property
    def fresh(self) -> float | None:
        """What a child has before its first task, as far as it was seen; a fork of main is as large as main."""
        return self.baseline if self.baseline is not None else self.main

    @property
    def course_now(self) -> float:
        """The newest figure of the same kind, 0 before the first."""
        return self.usage if self.usage is not None else self.trend[-1].total if self.trend else 0.0


def pool_memory(view: View, life: Life) -> PoolMemory | None:
    """The newest word of this life's recorder; None when it has none, or it is old."""
    node, pid = life.worker.node, life.worker.pid
    told = [one for one in seen(view, "pool-memory") if node in one.nodes and one.number("parent") in (pid, None)]
    if not told or view.at - told[-1].at > AGE:
        return None
    one = told[-1]
    return PoolMemory(
        told=one,
        limit=one.number("limit"),
        usage=one.number("usage"),
        main=one.number("main_rss"),
        baseline=one.number("baseline"),
        children=tuple(row[1] for row in _rows(one, "children", 2)),
        trend=tuple(Moment(*row) for row in _rows(one, "trend", 5) or _rows(one, "trend", 4)),
        peaks=_peaks(one),
    )


def _rows(one: Evidence, key: str, least: int) -> list[tuple[float, ...]]:
    """The rows of a table in JSON that begin with at least so many numbers, as those numbers."""
    value = one.data.get(key)
    found = []
    for row in value if isinstance(value, (list, tuple)) else ():
        cells = row[:least] if isinstance(row, (list, tuple)) else ()
        numbers = tuple(float(cell) for cell in cells if isinstance(cell, (int, float)))
        found += [numbers] if len(numbers) == least else []
    return found


def _peaks(one: Evidence) -> tuple[Peak, ...]:
    value = one.data.get("peaks")
    named = value.items() if isinstance(value, Mapping) else ()
    found = []
    for name, row in named:
        if isinstance(row, (list, tuple)) and len(row) == 5 and all(isinstance(cell, (int, float)) for cell in row):
            found.append(Peak(str(name), int(row[0]), *map(float, row[1:])))
    return tuple(sorted(found, key=lambda peak: (-peak.most, peak.name)))
