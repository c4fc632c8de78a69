"""How much memory the pool uses: the newest look, where it is going, and which tasks it is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from celeriac.host.processes import Process
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Sender
from celeriac.worker.children import Child, Newborns
from celeriac.worker.facts import SOURCE, memory
from celeriac.worker.groups import Group
from celeriac.worker.peaks import Peaks
from celeriac.worker.runs import Runs
from celeriac.worker.trend import Trend, TrendPoint

EVERY = 2.0
"""Seconds between two levels while something changes."""
QUIET = 10.0
"""Seconds between two levels while nothing does."""
CHILDREN = 128
"""Children that are told of one by one, the greatest."""
_MOVED = 64
"""A size has changed when it did by more than this part of itself."""


class Survey:
    """Used by the flight recorder's thread; `peaks` by the main loop too."""

    def __init__(self, sender: Sender, pool: str, interval: float) -> None:
        self._sender = sender
        self._pool = pool
        self._trend = Trend(max(interval, 1.0))
        self._newborns = Newborns()
        self._told_at = 0.0
        self._told: object = None
        self.peaks = Peaks()

    def newborn(self, pid: int, rss: int) -> None:
        """A child that is ready and has run nothing."""
        self._newborns.add(pid, rss)

    def looked(self, at: float, main: Process, children: Collection[Child], ended: int, group: Group | None) -> None:
        """One look at everybody."""
        sizes = [child.rss or 0 for child in children]
        usage = None if group is None or group.reading is None else group.reading.current
        self._trend.add(TrendPoint(round(at, 1), main.rss + sum(sizes), max(sizes, default=0), ended, usage))

    def level(
        self,
        at: float,
        main: Process,
        children: Collection[Child],
        runs: Runs,
        group: Group | None,
        ends: Mapping[str, int],
    ) -> Evidence | None:
        """The state of the pool; None when it is not yet time to tell it again. `ends` are counts by cause."""
        rows = [_row(child, runs) for child in sorted(children, key=lambda child: -(child.rss or 0))[:CHILDREN]]
        told = (_rough(main.rss), [(row[0], _rough(row[1]), row[3]) for row in rows])
        if 0 <= at - self._told_at < (EVERY if told != self._told else QUIET):
            return None
        self._told_at, self._told = at, told
        total = main.rss + sum(child.rss or 0 for child in children)
        return Evidence(
            id=fingerprint("pool-memory", self._sender.boot),
            at=at,
            source=SOURCE,
            what="pool-memory",
            host=self._sender.host,
            fact=f"{self._sender.node} uses {_mb(total)} in {1 + len(children)} processes{_of(group)}",
            how=f"ps -o pid,rss --pid {self._sender.pid} --ppid {self._sender.pid}",
            pid=self._sender.pid,
            nodes=(self._sender.node,),
            data={**self._data(main, rows), **memory(group), "ends": dict(ends)},
        )

    def _data(self, main: Process, rows: list[list[object]]) -> Mapping[str, object]:
        return {
            "parent": self._sender.pid,
            "pool": self._pool,
            "main_rss": main.rss,
            "children": rows,
            "trend": [list(point) for point in self._trend.points],
            "baseline": self._newborns.baseline,
            "peaks": self.peaks.greatest(),
        }


def _row(child: Child, runs: Runs) -> list[object]:
    run = runs.on(child.pid)
    return [child.pid, child.rss, child.cpu, run.task_id if run else None, run.name if run else None]


def _rough(size: object) -> int:
    """A size by steps of about 1.6 %, so that a page more or less is no news."""
    number = size if isinstance(size, int) else 0
    step = max(1, 1 << max(0, number.bit_length() - _MOVED.bit_length()))
    return number // step


def _of(group: Group | None) -> str:
    limit = None if group is None or group.reading is None else group.reading.limit
    return "" if limit is None else f"; its memory group may use {_mb(limit)}"


def _mb(size: int) -> str:
    """Of 1024 each, as people set limits and as every finding says it."""
    return f"{size / (1 << 20):.0f} MB"
