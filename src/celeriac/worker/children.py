"""What is remembered of a pool process."""

from __future__ import annotations

from collections import OrderedDict, deque
from statistics import median

from celeriac.host.processes import TICKS, Process
from celeriac.worker.curve import Point
from celeriac.worker.groups import Group
from celeriac.worker.pool import Member

MINUTE = 60.0
_LOOKS = 120
"""Looks that are kept of a process: its last minute, at two a second."""
_NEWBORNS = 32


class Child:
    """One life of a pool process. `born` is Unix seconds, `cpu` its share of one processor between two looks."""

    def __init__(self, member: Member, process: Process, born: float) -> None:
        self.member = member
        self.born = born
        self.start_ticks = process.start_ticks
        self.minute: deque[Point] = deque(maxlen=_LOOKS)
        self.group: Group | None = None
        self.cpu: float | None = None
        self._ticks: tuple[float, int] | None = None

    @property
    def pid(self) -> int:
        """As its parent sees it."""
        return self.member.pid

    @property
    def rss(self) -> int | None:
        """Bytes at the last look."""
        return self.minute[-1][1] if self.minute else None

    @property
    def last_minute(self) -> list[list[float | int]]:
        """[Unix seconds, bytes] pairs of its last minute."""
        newest = self.minute[-1][0] if self.minute else 0.0
        return [[round(at, 2), rss] for at, rss in self.minute if newest - at <= MINUTE]

    def seen(self, at: float, process: Process) -> None:
        """One look."""
        self.minute.append((at, process.rss))
        if self._ticks is not None and at > self._ticks[0]:
            self.cpu = round((process.cpu_ticks - self._ticks[1]) / TICKS / (at - self._ticks[0]), 3)
        self._ticks = (at, process.cpu_ticks)


class Newborns:
    """How much memory a child has before its first task."""

    def __init__(self) -> None:
        self._sizes: OrderedDict[int, int] = OrderedDict()

    @property
    def baseline(self) -> int | None:
        """The median of the last ones in bytes, None before the first."""
        return int(median(self._sizes.values())) if self._sizes else None

    def add(self, pid: int, rss: int) -> None:
        """One that is ready and has done nothing; its newest look counts."""
        self._sizes[pid] = rss
        self._sizes.move_to_end(pid)
        if len(self._sizes) > _NEWBORNS:
            self._sizes.popitem(last=False)
