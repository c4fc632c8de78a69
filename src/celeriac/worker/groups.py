"""The memory groups of a worker's processes, and which of their kills are already explained."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from celeriac.host.cgroups import MemoryGroup, MemoryReading, Mount, read_group, read_memory, read_mounts

STRETCH = 1.0
"""Seconds without a death after which a kill is known to have been that of another process."""


class Group:
    """One memory group, as last looked at. Times are seconds of a monotonic clock."""

    def __init__(self, group: MemoryGroup) -> None:
        self.group = group
        self.reading: MemoryReading | None = None
        self._looked = 0.0
        self._growth = 0.0
        self._explained: int | None = None
        self._settling: int | None = None
        self._settled = 0.0

    @property
    def path(self) -> str:
        """Its name in the kernel's words."""
        return self.group.path

    def look(self, ticks: float, *, settle: bool = False) -> None:
        """Read it. `settle` says that nobody died of late: a kill that was counted a stretch ago was that of another
        process. A kill is counted before its victim ends, so the newest ones stay open for another stretch."""
        reading, before = read_memory(self.group), self.reading
        self._growth = _growth(before, reading, ticks - self._looked)
        if reading is None or before is None or reading.inode != before.inode:
            self._explained = self._settling = None if reading is None else reading.kills
            self._settled = ticks
        elif settle and ticks - self._settled >= STRETCH:
            self._explained, self._settling = self._settling, reading.kills
            self._settled = ticks
        self.reading, self._looked = reading, ticks

    def fills_within(self, seconds: float) -> bool:
        """Whether its limit is reached by then, if it grows on as it did between the last two looks."""
        if self.reading is None or self.reading.limit is None or self.reading.current is None:
            return False
        return self._growth > 0 and self.reading.limit - self.reading.current <= self._growth * seconds

    @property
    def kills_added(self) -> int | None:
        """Kills that no death has explained yet; None when they cannot be counted."""
        if self.reading is None or self.reading.kills is None or self._explained is None:
            return None
        return max(0, self.reading.kills - self._explained)

    def explain(self) -> None:
        """One of the kills was that of a child."""
        if self._explained is not None and self._settling is not None:
            self._explained += 1
            self._settling = max(self._settling, self._explained)


class Groups:
    """The groups that the processes looked at are in."""

    def __init__(self) -> None:
        self._mounts: tuple[Mount, ...] | None = None
        self._groups: dict[MemoryGroup, Group] = {}

    def of(self, pid: int) -> Group | None:
        """The group of a process; None when it is gone, or its group is not to be seen here."""
        group = read_group(pid, self._known_mounts())
        if group is None:
            return None
        known = self._groups.get(group)
        if known is None:
            known = self._groups[group] = Group(group)
            known.look(monotonic())
        return known

    def keep(self, groups: Iterable[Group]) -> None:
        """Forget the others."""
        self._groups = {group.group: group for group in groups}

    def _known_mounts(self) -> tuple[Mount, ...]:
        if self._mounts is None:
            try:
                self._mounts = read_mounts()
            except OSError:  # a host without /proc has no groups to see
                self._mounts = ()
        return self._mounts


def _growth(before: MemoryReading | None, after: MemoryReading | None, seconds: float) -> float:
    """Bytes a second, 0 when not known."""
    if before is None or after is None or before.current is None or after.current is None or seconds <= 0:
        return 0.0
    return (after.current - before.current) / seconds
