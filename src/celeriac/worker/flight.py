"""The flight recorder of a worker's main process: it watches the pool's memory, and tells why a child died.

Celery's parent learns how a child ended, not why, and up to five seconds late (celery/concurrency/asynpool.py: by a
pipe that closes before the child can be waited for, else by a timer). Here a pidfd wakes one thread within
milliseconds; it reads the status and leaves it to the parent.
"""

from __future__ import annotations

import os
import threading
from time import monotonic, time

from celeriac.host.notify import MemoryAlarm
from celeriac.host.processes import Process, read_process
from celeriac.worker.children import Child
from celeriac.worker.coroner import AGAIN, Coroner
from celeriac.worker.groups import Group, Groups
from celeriac.worker.guard import guarded
from celeriac.worker.pool import Pool
from celeriac.worker.recorder import Recorder
from celeriac.worker.roster import Roster
from celeriac.worker.runs import Flown, Runs
from celeriac.worker.salvage import Boxes
from celeriac.worker.survey import Survey
from celeriac.worker.watch import Watch

IDLE = 1.0
"""Seconds between two rounds when nothing is sampled: groups and the pool's processes are still followed."""
SOON, SOON_FOR = 0.03, 0.3
"""After a fork the new process is looked for that often, and for so long."""
RUSH, HASTE = 2.0, 5
"""When the memory group would be full within that many intervals, looks come that many times as often."""
FAREWELL = 1.0


class Flight:
    """`accepted`, `ended` and `blame` are called by the main loop and take a microsecond; all else happens on one
    thread. `interval` is seconds between two looks at memory; 0 looks at none, deaths are watched still. `system` says
    which record it is (celeriac/transport/place.py)."""

    def __init__(self, recorder: Recorder, pool: Pool, *, interval: float, system: str) -> None:
        self._recorder = recorder
        self._pool = pool
        self._interval = interval
        self._main = os.getpid()
        self._follows_main = not pool.forks and pool.name == "solo"
        self._runs = Runs()
        self._groups = Groups()
        self._roster = Roster(pool, self._groups)
        self._group: Group | None = None
        self._alarmed_for: Group | None = None
        self._coroner = Coroner(recorder, pool, self._runs)
        self._survey = Survey(recorder.sender, pool.name, interval)
        self._boxes = Boxes(recorder, system)
        self._watch = Watch()
        self._thread: threading.Thread | None = None
        self._stop = False
        self._forking = True
        self._soon_until = 0.0
        self._next = 0.0

    def start(self) -> None:
        """Begin to watch; nothing on a host without /proc."""
        if self._thread is None and read_process(self._main) is not None:
            self._pool.listen(self._on_fork)
            self._thread = threading.Thread(target=self._run, name="celeriac-flight", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """The worker ends: watch no more."""
        self._stop = True
        self._watch.call()
        self._pool.close()
        if self._thread is not None:
            self._thread.join(FAREWELL)
            if not self._thread.is_alive():
                self._watch.close()

    def leave(self) -> None:
        """The record has ended, all of it at the broker or not."""
        self._boxes.close(time())

    @guarded
    def accepted(self, child: int, task_id: str, name: str) -> None:
        """The process has begun the task."""
        if child != self._main or self._follows_main:
            self._runs.accepted(child, task_id, name, time())

    @guarded
    def ended(self, child: int, task_id: str, *, quits: bool = False) -> Flown | None:
        """The task is over, however: the memory it was seen with. None when it was never seen. `quits` says that its
        process is about to go with it."""
        run = self._runs.ended(child, task_id, orphaned=quits or self._roster.is_gone(child))
        flown = None if run is None else run.flown()
        if run is not None and flown is not None:
            self._survey.peaks.add(run.name, flown.peak, time())
        return flown

    @guarded
    def blame(self, child: int, why: str) -> None:
        """The parent is about to end the process: hard-time-limit | operator | shutdown."""
        self._runs.blame(child, why)

    def autopsy(self, child: int, task_id: str) -> tuple[str | None, Flown | None]:
        """Why the process that ran the task ended, as far as that is settled, and the memory it was seen with."""
        ending = self._coroner.settled.get(child)
        run = self._runs.on(child) or self._runs.lost(child)
        if ending is not None and ending.run is not None and ending.run.task_id == task_id:
            return ending.cause, ending.run.flown()
        return None, run.flown() if run is not None and run.task_id == task_id else None

    @guarded
    def _on_fork(self) -> None:
        self._forking = True
        self._watch.call()

    @guarded
    def _run(self) -> None:
        self._boxes.open(time())
        while not self._stop:
            self._turn()

    def _turn(self) -> None:
        """One wait and what follows from it. A fault costs this turn, and the next waits its time all the same."""
        woken = self._watch.wait(self._pause(monotonic()))
        if not self._stop:
            self._heard(woken.ended, alarmed=woken.alarmed)

    @guarded
    def _heard(self, ended: tuple[int, ...], *, alarmed: bool) -> None:
        now = time()
        for pid in ended:
            self._died(pid, now)
        if alarmed:
            self._alarmed_for = None
            self._sample(now)
            if self._group is not None:
                self._group.look(monotonic())
        self._coroner.judge(now)
        due = monotonic() >= self._next
        if due or ended or self._is_soon(monotonic()):
            self._follow()
        if due:
            self._next = monotonic() + (self._interval or IDLE)
            self._round(now)
            if self._group is not None and self._interval and self._group.fills_within(RUSH * self._interval):
                self._next = monotonic() + self._interval / HASTE

    def _pause(self, ticks: float) -> float:
        pause = max(0.0, self._next - ticks)
        if self._coroner.is_busy:
            pause = min(pause, AGAIN)
        return min(pause, SOON) if self._is_soon(ticks) else pause

    def _is_soon(self, ticks: float) -> bool:
        if self._forking:
            self._forking = False
            self._soon_until = ticks + SOON_FOR
        return ticks < self._soon_until

    def _follow(self) -> None:
        """Take up the processes that are new."""
        for child in self._roster.take_up():
            child.group = child.group or self._group
            self._watch.follow(child.pid)

    def _died(self, pid: int, now: float) -> None:
        child = self._roster.bury(pid)
        if child is not None:
            self._coroner.died(child, now)

    def _round(self, now: float) -> None:
        """Once an interval: every group, every process, and the level when it is time."""
        main = self._sample(now)
        self._group = self._groups.of(self._main)
        used = {id(one): one for one in (self._group, *(child.group for child in self._roster.children)) if one}
        for group in used.values():
            group.look(monotonic(), settle=not self._coroner.is_busy)
        self._groups.keep(used.values())
        self._set_alarm()
        self._runs.prune(now)
        if main is not None:
            self._tell(now, main)
        self._boxes.look(now, monotonic(), self._group)

    def _tell(self, now: float, main: Process) -> None:
        children = self._roster.children
        self._survey.looked(now, main, children, self._runs.ended_in_all, self._group)
        level = self._survey.level(now, main, children, self._runs, self._group, self._coroner.causes)
        if level is not None:
            self._recorder.note_fact(level)

    def _sample(self, now: float) -> Process | None:
        """One look at everybody's memory; main's own, None when nothing is sampled."""
        for child in self._roster.children:
            process = self._roster.look(child)
            if process is None:
                self._died(child.pid, now)
            elif self._interval and process.rss:
                self._seen(child, process, now)
        main = read_process(self._main) if self._interval else None
        if main is not None and self._follows_main and (run := self._runs.on(self._main)) is not None:
            run.seen(now, main.rss)
        return main

    def _seen(self, child: Child, process: Process, now: float) -> None:
        child.seen(now, process)
        run = self._runs.on(child.pid)
        if run is not None:
            run.seen(now, process.rss)
        elif not self._runs.done(child.pid) and self._pool.is_ready(child.member):
            self._survey.newborn(child.pid, process.rss)

    def _set_alarm(self) -> None:
        """Anew after it went off, and when the group is another; once where the kernel gives none."""
        if self._group is not self._alarmed_for and self._interval:
            self._alarmed_for = self._group
            self._watch.heed(None if self._group is None or not self._pool.forks else MemoryAlarm.of(self._group.group))
