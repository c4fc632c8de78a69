"""Real memory control groups (version 1, root)."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.need import lack
from lab.wait import wait_until

MOUNT = Path("/sys/fs/cgroup/memory")
_NUMBERS = count(1)


class MemoryLimit:
    """`with MemoryLimit(64) as group:` a memory group with a limit in MB; `take` puts processes under it.

    What a process used before it was taken is not charged to the group. Removed at the end, when it is empty.
    """

    def __init__(self, megabytes: int) -> None:
        self.path = f"/celeriac-lab-{os.getpid()}-{next(_NUMBERS)}"
        self.directory = MOUNT / self.path[1:]
        self.limit = megabytes << 20

    @property
    def kills(self) -> int:
        """How many processes the kernel killed in it."""
        return int((self.directory / "memory.oom_control").read_text().split()[-1])

    def make(self) -> None:
        """Make it, again after `remove`."""
        self.directory.mkdir()
        (self.directory / "memory.limit_in_bytes").write_text(str(self.limit))

    def take(self, *pids: int) -> None:
        """Put processes under the limit."""
        for pid in pids:
            (self.directory / "cgroup.procs").write_text(str(pid))

    def resize(self, megabytes: int) -> None:
        """Another limit."""
        self.limit = megabytes << 20
        (self.directory / "memory.limit_in_bytes").write_text(str(self.limit))

    def remove(self) -> None:
        """Remove it, as an engine does when a container ends."""
        wait_until(self._removed, why=f"{self.directory} to be empty")

    def __enter__(self) -> Self:
        need_memory_groups()
        self.make()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()

    def _removed(self) -> bool:
        try:
            self.directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # still holds a process that is on its way out
            return False
        return True


def need_memory_groups() -> None:
    """Without root and version 1 memory groups the test fails in CI, and skips elsewhere."""
    if os.geteuid() == 0 and os.access(MOUNT / "cgroup.procs", os.W_OK):
        return
    lack(f"needs root and a writable {MOUNT} (cgroup version 1)")
