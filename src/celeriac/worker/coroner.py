"""Finds out how and why a child died, and tells it at once."""

from __future__ import annotations

import os
from collections import Counter, deque
from dataclasses import dataclass, replace
from time import monotonic

from celeriac.worker.children import Child
from celeriac.worker.deaths import ON_PURPOSE, OOM, OPERATOR, RECYCLED, Death, Status, cause
from celeriac.worker.facts import Ending, child_gone
from celeriac.worker.pool import Pool
from celeriac.worker.recorder import Recorder
from celeriac.worker.runs import Run, Runs

AGAIN = 0.05
"""Seconds after which a death that nothing explains is looked into once more."""
LATE = 0.2
"""Seconds in which the parent may still hear from a dead child's pipe that it had begun a task."""
TOLD_A_SECOND, TOLD_A_MINUTE = 5, 60
"""Deaths that are told in any second and minute; more are counted in the next that is."""

KEPT = 64
"""Ends that stay to be asked for."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A death whose cause is not settled. `run` is what it was on, None when nothing or not yet known; `usage` what its
    memory group used at the last look before the news."""

    child: Child
    at: float
    run: Run | None
    stopping: bool
    usage: int | None


class Coroner:
    """Used by the flight recorder's thread alone, but for `settled`: the newest ends by pid, for any thread to read.
    `causes` counts every end since the start, told or not."""

    def __init__(self, recorder: Recorder, pool: Pool, runs: Runs) -> None:
        self._recorder = recorder
        self._pool = pool
        self._runs = runs
        self._open: list[_Open] = []
        self._told: deque[float] = deque(maxlen=TOLD_A_MINUTE)
        self._untold = 0
        self._recycling_told = 0.0
        self.causes: Counter[str] = Counter()
        self.settled: dict[int, Ending] = {}

    @property
    def is_busy(self) -> bool:
        """True while a death waits for its cause."""
        return bool(self._open)

    def died(self, child: Child, at: float) -> None:
        """A child is gone since about `at` (Unix seconds)."""
        reading = None if child.group is None else child.group.reading
        usage = None if reading is None else reading.current
        self._open.append(_Open(child, at, self._runs.lost(child.pid), self._pool.stopping, usage))

    def judge(self, now: float) -> None:
        """Settle what can be settled, the greatest first: of two that were killed, the kernel chose that one."""
        waiting, self._open = sorted(self._open, key=lambda one: -(one.child.rss or 0)), []
        for one in map(self._looked_into, waiting):
            death = self._death(one)
            why = cause(death)
            if now - one.at < _patience(death, why):
                self._open.append(one)
            else:
                self._settle(one, death, why)

    def _looked_into(self, one: _Open) -> _Open:
        if one.child.group is not None:
            one.child.group.look(monotonic())
        return replace(one, run=one.run or self._runs.lost(one.child.pid))

    def _death(self, one: _Open) -> Death:
        member, runs = one.child.member, self._runs
        return Death(
            status=_status(one.child),
            busy=one.run is not None,
            blame=runs.blamed(member.pid) or (OPERATOR if member.by_operator else None),
            controlled=member.controlled,
            stopping=one.stopping,
            kills_added=None if one.child.group is None else one.child.group.kills_added,
            age=one.at - one.child.born,
            never_ready=self._never_ready(one.child),
            up_timeout=self._pool.up_timeout,
        )

    def _never_ready(self, child: Child) -> bool | None:
        if self._runs.done(child.pid) or self._runs.lost(child.pid) is not None:
            return False
        ready = self._pool.is_ready(child.member)
        return None if ready is None else not ready

    def _settle(self, one: _Open, death: Death, why: str) -> None:
        child = one.child
        ending = Ending(child, death, why, one.at, one.run, self._runs.done(child.pid), one.usage, self._untold)
        self.causes[why] += 1
        self._keep(ending)
        self._runs.forget(child.pid, one.at)
        if why == OOM and child.group is not None:
            child.group.explain()
        if self._is_news(ending):
            self._tell(ending)

    def _keep(self, ending: Ending) -> None:
        self.settled.pop(ending.child.pid, None)
        self.settled[ending.child.pid] = ending
        if len(self.settled) > KEPT:
            del self.settled[next(iter(self.settled))]

    def _is_news(self, ending: Ending) -> bool:
        """A child that is replaced is none, unless its memory allows it one task at a time: that is no replacing."""
        if ending.cause not in ON_PURPOSE:
            return True
        wasteful = ending.cause == RECYCLED and ending.done <= 1 and self._pool.max_memory is not None
        if wasteful and self._pool.max_tasks != 1 and ending.at - self._recycling_told >= 1.0:
            self._recycling_told = ending.at
            return True
        return False

    def _tell(self, ending: Ending) -> None:
        if self._too_many(ending.at, TOLD_A_SECOND, 1.0) or self._too_many(ending.at, TOLD_A_MINUTE, 60.0):
            self._untold += 1
            return
        self._told.append(ending.at)
        self._untold = 0
        limits = {"max_tasks": self._pool.max_tasks, "max_memory": self._pool.max_memory}
        self._recorder.note_fact(child_gone(self._recorder.sender, ending, limits))
        self._recorder.urge()

    def _too_many(self, at: float, most: int, seconds: float) -> bool:
        return len(self._told) >= most and 0 <= at - self._told[-most] < seconds


def _status(child: Child) -> Status:
    """From the kernel, which keeps it until the parent asks, else from the parent."""
    try:
        ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        ended = None
    if ended is None:
        return child.member.status
    return Status(code=ended.si_status) if ended.si_code == os.CLD_EXITED else Status(signal=ended.si_status)


def _patience(death: Death, why: str) -> float:
    """Seconds in which more may become known: the parent is just taking note of it, the kernel counts the kill, or the
    word of the task it had begun is on its way."""
    if death.blame is not None or death.stopping:
        return 0.0
    if not death.busy and death.never_ready is not True:
        return LATE
    return AGAIN if death.status == Status() or (death.status.is_kill and why != OOM) else 0.0
