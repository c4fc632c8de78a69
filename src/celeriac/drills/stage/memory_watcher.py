"""The memory limit of last resort: where no control group may be made, the drill itself kills what grows too big."""

from __future__ import annotations

import os
from pathlib import Path

from celeriac.drills.stage.process import Process

PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryWatcher:
    """SIGKILLs a worker's main process once the worker as a whole holds more than `limit` bytes."""

    def __init__(self, worker: Process, limit: int) -> None:
        self._worker = worker
        self.limit = limit

    def look(self) -> None:
        """Measure, and kill when it is over."""
        if self._worker.running and memory_of_tree(self._worker.pid) > self.limit:
            self._worker.kill()


def memory_of_tree(pid: int) -> int:
    """Bytes of its own that `pid` and its children hold; what has gone meanwhile holds nothing."""
    return sum(_own_memory(one) for one in (pid, *_children(pid)))


def _own_memory(pid: int) -> int:
    """Resident bytes that are not mapped from files (proc(5), statm: resident minus shared)."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * PAGE


def _children(pid: int) -> tuple[int, ...]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return ()
    return tuple(int(child) for child in listed.split())
