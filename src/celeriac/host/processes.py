"""Processes as /proc shows them (proc(5)). A process that ended meanwhile is None, never an error."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from itertools import islice
from pathlib import Path

from celeriac.errors import EvidenceError

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")
ENDED = frozenset("ZXx")
"""States of a process that runs no more: a zombie only waits for its parent to take note."""

_THREADS_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Process:
    """One look at /proc/PID/stat. `start_ticks` are clock ticks since boot: with the pid they tell one life from the
    next. `rss` is bytes. `exiting` is true once its memory is given back; `signal` is what killed it, seen from then
    on until its parent takes note. `cpu_ticks` are the clock ticks it has run."""

    pid: int
    name: str
    state: str
    parent: int
    start_ticks: int
    rss: int
    exiting: bool = False
    signal: int | None = None
    cpu_ticks: int = 0

    @property
    def ended(self) -> bool:
        """True when it runs no more."""
        return self.exiting or self.state in ENDED

    def started(self, now: float, since_boot: float) -> float:
        """Unix seconds of its start. `since_boot` is CLOCK_BOOTTIME read at `now`: a snapshot of a VM that is resumed
        later leaves /proc/stat's btime wrong, and this right."""
        return now - since_boot + self.start_ticks / TICKS

    def same_life(self, other: Process) -> bool:
        """True when `other` is this process and not a later one with its pid."""
        return (self.pid, self.start_ticks) == (other.pid, other.start_ticks)


@dataclass(frozen=True, slots=True)
class Status:
    """From /proc/PID/status: the pid inside its own pid namespace, and whether a SIGTERM waits to be taken."""

    namespace_pid: int
    terminating: bool


def since_boot() -> float:
    """Seconds since boot, as process start times count them (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def pids() -> tuple[int, ...]:
    """Every process that may be seen."""
    with os.scandir("/proc") as entries:
        return tuple(int(entry.name) for entry in entries if entry.name.isdigit())


def read_process(pid: int) -> Process | None:
    """The process now, None when there is none."""
    content = _read(f"/proc/{pid}/stat")
    return parse_stat(content) if content else None


def parse_stat(content: bytes) -> Process:
    """A line of /proc/PID/stat. The name stands in parentheses and may itself hold any character."""
    head, _, tail = content.rpartition(b")")
    pid, _, name = head.partition(b" (")
    fields = tail.split()
    return Process(
        pid=int(pid),
        name=os.fsdecode(name),
        state=chr(fields[0][0]),
        parent=int(fields[1]),
        start_ticks=int(fields[19]),
        rss=int(fields[21]) * PAGE,
        exiting=int(fields[20]) == 0,
        signal=_signal(int(fields[49])) if len(fields) > 49 else None,
        cpu_ticks=int(fields[11]) + int(fields[12]),
    )


def read_command(pid: int) -> tuple[str, ...]:
    """Its command line; empty for kernel threads, zombies and processes that are gone."""
    content = _read(f"/proc/{pid}/cmdline") or b""
    return tuple(os.fsdecode(part) for part in content.rstrip(b"\0 ").split(b"\0")) if content else ()


def read_status(pid: int) -> Status | None:
    """Namespace pid and pending stop signal, None when the process is gone."""
    content = _read(f"/proc/{pid}/status")
    if not content:
        return None
    fields = dict(line.split(":", 1) for line in content.decode(errors="replace").splitlines() if ":" in line)
    pending = int(fields.get("SigPnd", "0"), 16) | int(fields.get("ShdPnd", "0"), 16)
    return Status(
        namespace_pid=int(fields.get("NSpid", str(pid)).split()[-1]),
        terminating=bool(pending & 1 << signal.SIGTERM - 1),
    )


def read_environment(pid: int) -> Mapping[str, str]:
    """Its environment at start. Raises EvidenceError when this user may not see it."""
    try:
        content = _read(f"/proc/{pid}/environ") or b""
    except PermissionError as error:
        raise EvidenceError(
            f"the environment of process {pid} is closed to this user", hint="Run as root or as the worker's user"
        ) from error
    pairs = (os.fsdecode(item).partition("=") for item in content.split(b"\0"))
    return {key: value for key, _, value in pairs if key}


def read_wchan(pid: int) -> str | None:
    """The kernel function it sleeps in; None while it runs, or when this user may not see it."""
    text = (_read(f"/proc/{pid}/wchan") or b"").decode(errors="replace").strip()
    return text if text not in ("", "0") else None


def read_stdout(pid: int) -> str | None:
    """What its standard output is, such as `pipe:[4711]` or a path; None when that cannot be seen."""
    try:
        return str(Path(f"/proc/{pid}/fd/1").readlink())
    except OSError:
        return None


def read_children(pid: int) -> tuple[int, ...] | None:
    """Its direct children, whichever thread forked them; None on a kernel without CONFIG_PROC_CHILDREN."""
    try:
        with os.scandir(f"/proc/{pid}/task") as entries:
            threads = [entry.name for entry in islice(entries, _THREADS_LIMIT)]
    except OSError:
        return ()
    lists = [_read(f"/proc/{pid}/task/{thread}/children") for thread in threads]
    seen = [content for content in lists if content is not None]
    if not seen and read_process(pid) is not None:
        return None
    return tuple(int(child) for content in seen for child in content.split())


def _signal(wait_status: int) -> int | None:
    return os.WTERMSIG(wait_status) if os.WIFSIGNALED(wait_status) else None


def _read(path: str) -> bytes | None:
    """The file; None when the process is gone. Raises PermissionError."""
    try:
        with FileIO(path) as file:
            return file.readall()
    except (FileNotFoundError, ProcessLookupError):
        return None
