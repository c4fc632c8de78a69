"""A wait that ends early when a process ends, memory runs out, or somebody calls."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from celeriac.host.notify import MemoryAlarm
from celeriac.host.pidfd import open_pidfd

FOLLOWED_LIMIT = 512
"""Processes followed at once: each takes a file descriptor of the user's process."""


@dataclass(frozen=True, slots=True)
class Woken:
    """Why a wait ended: the processes that did, and whether memory ran out. Both empty: time is up, or a call."""

    ended: tuple[int, ...] = ()
    alarmed: bool = False


class Watch:
    """Used by one thread; `call` by any, and by signal handlers: it takes no lock. Without anything to follow it needs
    no file descriptor: green pools replace the calls that wait on them."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._poll: select.poll | None = None
        self._ends: dict[int, int] = {}
        self._bell: tuple[int, int] | None = None
        self._alarm: MemoryAlarm | None = None

    def follow(self, pid: int) -> None:
        """Say when this process ends. Where the kernel has no pidfd it is never said."""
        if len(self._ends) < FOLLOWED_LIMIT and (file := open_pidfd(pid)) is not None:
            self._poller().register(file, select.POLLIN)
            self._ends[file] = pid

    def heed(self, alarm: MemoryAlarm | None) -> None:
        """Say when this one goes off, in place of the one before."""
        self._silence()
        if alarm is not None:
            self._alarm = alarm
            self._poller().register(alarm.file, alarm.mask)

    def wait(self, seconds: float) -> Woken:
        """Wait at most `seconds`. Each end is told once, and so is each alarm: heed the next one anew."""
        if self._poll is None:
            return self._idle(seconds)
        files = {file for file, _ in self._poll.poll(max(0.0, seconds) * 1000)}
        self._hush(files)
        ended = tuple(self._forget(file) for file in list(self._ends) if file in files)
        alarmed = self._alarm is not None and self._alarm.file in files
        if alarmed:
            self._silence()
        return Woken(ended, alarmed)

    def call(self) -> None:
        """End the wait, from another thread. Costs a system call."""
        if self._bell is None:
            self._calls.put(None)
        else:
            try:
                os.write(self._bell[1], b"\0")
            except BlockingIOError:  # it rings already
                return

    def close(self) -> None:
        """Let go of every file."""
        self._silence()
        for file in list(self._ends):
            self._forget(file)
        bell, self._bell, self._poll = self._bell, None, None
        for file in bell or ():
            os.close(file)

    def _idle(self, seconds: float) -> Woken:
        with suppress(Empty):
            self._calls.get(timeout=max(0.0, seconds))
        return Woken()

    def _poller(self) -> select.poll:
        if self._poll is None:
            self._poll = select.poll()
            self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            self._poll.register(self._bell[0], select.POLLIN)
        return self._poll

    def _hush(self, files: set[int]) -> None:
        if self._bell is not None and self._bell[0] in files:
            os.read(self._bell[0], 4096)

    def _forget(self, file: int) -> int:
        self._poller().unregister(file)
        os.close(file)
        return self._ends.pop(file)

    def _silence(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            self._poller().unregister(alarm.file)
            alarm.close()
