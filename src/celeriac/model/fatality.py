"""A task's toll: the deaths that it is known to have caused."""

from __future__ import annotations

from dataclasses import dataclass

OOM, SEGFAULT, MEMORY_ERROR = "oom", "segfault", "memory-error"
HARD_TIME_LIMIT, SIGNAL, EXIT = "hard-time-limit", "signal", "exit"


@dataclass(frozen=True, slots=True)
class Fatality:
    """One process that ended under a task: a pool child, or with `main` a worker's main process.

    `at` is Unix seconds of the teller's clock, `boot` the life of the worker, `cause` oom | segfault | memory-error |
    hard-time-limit | signal | exit, `peak` bytes, `curve` [seconds since the task's start, rss] pairs, the newest last.
    """

    at: float
    node: str
    boot: str
    cause: str
    pid: int | None = None
    main: bool = False
    peak: int | None = None
    curve: tuple[tuple[float, float], ...] = ()

    @property
    def mark(self) -> str:
        """What makes two tellings one death: a main dies once in its life."""
        return f"{self.boot}:main" if self.main else f"{self.boot}:{self.pid}:{self.at:.3f}"
