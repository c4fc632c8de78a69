"""Processes whose end wakes whoever waits."""

from __future__ import annotations

import os
import select
from collections.abc import Collection

from celeriac.host.pidfd import open_pidfd

FOLLOWED_LIMIT = 256
"""Processes followed at once: each takes a file descriptor."""


class Ends:
    """Follows processes by pidfd. Where the kernel has none, it only waits."""

    def __init__(self) -> None:
        self._files: dict[int, int] = {}
        self._poll = select.poll()

    def follow(self, pids: Collection[int]) -> None:
        """Follow these and no others."""
        for pid in self._files.keys() - set(pids):
            self._forget(pid)
        for pid in pids:
            if pid not in self._files and len(self._files) < FOLLOWED_LIMIT:
                self._open(pid)

    def wait(self, seconds: float) -> bool:
        """Wait for an end, at most `seconds`; true when there was one. Each end is told once."""
        ready = {file for file, _ in self._poll.poll(max(0.0, seconds) * 1000)}
        for pid in [pid for pid, file in self._files.items() if file in ready]:
            self._forget(pid)
        return bool(ready)

    def close(self) -> None:
        """Let go of every process."""
        self.follow(())

    def _open(self, pid: int) -> None:
        file = open_pidfd(pid)
        if file is not None:
            self._files[pid] = file
            self._poll.register(file, select.POLLIN)

    def _forget(self, pid: int) -> None:
        file = self._files.pop(pid)
        self._poll.unregister(file)
        os.close(file)
