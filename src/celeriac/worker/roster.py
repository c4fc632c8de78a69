"""The pool's living processes, each with what was seen of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from time import time

from celeriac.host.processes import ENDED, Process, read_process, since_boot
from celeriac.worker.children import Child
from celeriac.worker.groups import Groups
from celeriac.worker.pool import Member, Pool


class Roster:
    """Changed by the flight recorder's thread alone; `is_gone` is asked by the main loop too."""

    def __init__(self, pool: Pool, groups: Groups) -> None:
        self._pool = pool
        self._groups = groups
        self._children: dict[int, Child] = {}
        self._buried: dict[int, int] = {}

    @property
    def children(self) -> Collection[Child]:
        """Those that are not known to have ended."""
        return tuple(self._children.values())

    def is_gone(self, pid: int) -> bool:
        """Whether that process of the pool has ended."""
        known = self._children.get(pid)
        return pid in self._buried if known is None else known.member.ended

    def take_up(self) -> Iterable[Child]:
        """The processes that are new since the last call."""
        members = self._pool.members
        self._buried = {pid: ticks for pid, ticks in self._buried.items() if pid in members}
        for pid, process in members.items():
            known = self._children.get(pid)
            if known is not None:
                self._pool.is_ready(known.member)
            elif (child := self._born(Member(process))) is not None:
                self._children[pid] = child
                yield child

    def bury(self, pid: int) -> Child | None:
        """It has ended; None when that is known."""
        child = self._children.pop(pid, None)
        if child is not None:
            self._buried[pid] = child.start_ticks
        return child

    def look(self, child: Child) -> Process | None:
        """The process now; None when it is over. One that only gives its memory back cannot be waited for yet."""
        group = self._groups.of(child.pid)
        process = read_process(child.pid)
        if process is None or process.start_ticks != child.start_ticks or process.state in ENDED:
            return None
        if _lives(process):
            child.group = group or child.group
        return process

    def _born(self, member: Member) -> Child | None:
        """None for one that is gone without a trace, or is known to have ended."""
        group = self._groups.of(member.pid)
        process = read_process(member.pid)
        if process is None or self._buried.get(member.pid) == process.start_ticks:
            return None
        child = Child(member, process, process.started(time(), since_boot()))
        child.group = group if _lives(process) else None
        return child


def _lives(process: Process) -> bool:
    """Seen after its group was: a process that ends is moved out of its group, after it has given its memory back."""
    return not process.ended and process.rss > 0
