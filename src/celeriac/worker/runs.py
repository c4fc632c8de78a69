"""Which task is on which process: kept by the main loop in a microsecond, read by the flight recorder."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.worker.curve import Curve

PATIENCE = 60.0
"""Seconds that a parent may take to end the task of a process that is gone: Celery waits `worker_lost_wait`, 10."""


@dataclass(frozen=True, slots=True)
class Flown:
    """The memory a task was seen with: its peak in bytes, and [seconds since its start, bytes] pairs."""

    peak: int
    curve: list[list[float | int]]


class Run:
    """A task on a process. Made by the main loop; the flight recorder adds a curve when it comes by."""

    __slots__ = ("curve", "name", "since", "task_id")

    def __init__(self, task_id: str, name: str, since: float) -> None:
        self.task_id = task_id
        self.name = name
        self.since = since
        self.curve: Curve | None = None

    def seen(self, at: float, rss: int) -> None:
        """One look at its process."""
        if self.curve is None:
            self.curve = Curve()
        self.curve.add(at, rss)

    def flown(self) -> Flown | None:
        """None when it was never seen: it was shorter than the time between two looks."""
        curve = self.curve
        peak = None if curve is None else curve.peak
        return None if curve is None or peak is None else Flown(peak, curve.since(self.since))


class Runs:
    """One task at most on each process. Single steps on dictionaries alone, so that no thread waits for another."""

    def __init__(self) -> None:
        self._on: dict[int, Run] = {}
        self._last: dict[int, Run] = {}
        self._done: dict[int, int] = {}
        self._blames: dict[int, tuple[str, Run | None]] = {}
        self._orphans: set[int] = set()
        self._gone: dict[int, float] = {}
        self.ended_in_all = 0

    def accepted(self, pid: int, task_id: str, name: str, at: float) -> None:
        """The process has begun the task: it outlived what it was blamed for."""
        self._on[pid] = Run(task_id, name, at)
        self._blames.pop(pid, None)
        self._gone.pop(pid, None)

    def ended(self, pid: int, task_id: str, *, orphaned: bool) -> Run | None:
        """The task is over; `orphaned` by the end of its process. None when it was not known to run there."""
        run = self._on.get(pid)
        if run is None or run.task_id != task_id:
            return None
        del self._on[pid]
        self.ended_in_all += 1
        if self._gone.pop(pid, None) is None:
            self._last[pid] = run
            if orphaned or pid in self._blames:
                self._orphans.add(pid)
            else:
                self._done[pid] = self._done.get(pid, 0) + 1
        return run

    def blame(self, pid: int, cause: str) -> None:
        """The process is about to be ended for that. Its task may have been declared over before: the pool's time limit
        does so (billiard/pool.py, on_hard_timeout)."""
        run = self._on.get(pid)
        if run is None and (run := self._last.get(pid)) is not None:
            self._done[pid] = self.done(pid) - 1
        self._blames[pid] = (cause, run)

    def on(self, pid: int) -> Run | None:
        """What runs on the process."""
        return self._on.get(pid)

    def lost(self, pid: int) -> Run | None:
        """What a process that is gone was on when it ended, None when it was idle."""
        blamed = self._blames.get(pid, (None, None))[1]
        return self._on.get(pid) or blamed or (self._last.get(pid) if pid in self._orphans else None)

    def blamed(self, pid: int) -> str | None:
        """What the process was ended for, where that was said."""
        return self._blames.get(pid, (None, None))[0]

    def done(self, pid: int) -> int:
        """How many tasks have ended on the process."""
        return self._done.get(pid, 0)

    def forget(self, pid: int, at: float) -> None:
        """The process is gone, and its pid may be another's next. Its parent may yet say that its task is over."""
        for known in (self._last, self._done, self._blames):
            known.pop(pid, None)
        self._orphans.discard(pid)
        if pid in self._on:
            self._gone[pid] = at

    def prune(self, at: float) -> None:
        """Wait no longer for the ends of tasks whose processes are long gone."""
        for pid, gone in tuple(self._gone.items()):
            if at - gone > PATIENCE:
                self._gone.pop(pid, None)
                self._on.pop(pid, None)
