"""The kernel's log: what it killed for memory, and what crashed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from celeriac.errors import EvidenceError
from celeriac.evidence.base import Look
from celeriac.evidence.kernel_log import WAYS, KernelLog, Line, boot_id
from celeriac.host.kernel import KernelKill, KernelReader, Segfault
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

RETRY_EVERY = 10.0
"""Seconds between tries while no way to the log is open."""
_CONSTRAINTS = {"memcg": "its memory group reached its limit", "none": "the whole host ran out of memory"}


class KernelSource:
    """Edges `oom-kill`, and `log-line` (signature `segfault`), also from before the first look.

    `uptime` gives seconds since boot as the log counts them. Times are counted back from the moment of the look:
    the boot time of /proc/stat is wrong in a VM resumed from a snapshot.
    """

    name = "kernel"

    def __init__(
        self, host: str, *, ways: Sequence[Callable[[], KernelLog]] = WAYS, uptime: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._ways = ways
        self._uptime = uptime
        self._boot = boot_id()
        self._reader = KernelReader()
        self._log: KernelLog | None = None
        self._read_at = float("-inf")
        self._closed: tuple[str, ...] = ()

    def look(self, at: float) -> Look:
        """What the log says since the last look; at first, all it still holds."""
        uptime = self._uptime()
        lines = self._read(uptime)
        if lines is None:
            why = "; ".join(self._closed)
            return Look(blind_spots=(BlindSpot("kernel log", why, "the cause of a SIGKILL: run as root"),))
        happenings = (self._reader.feed(seconds, text) for seconds, text in lines)
        return Look(tuple(self._evidence(one, at - uptime) for one in happenings if one is not None))

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def _read(self, uptime: float) -> tuple[Line, ...] | None:
        """New lines by the way that is open, None while none is."""
        if uptime - self._read_at < (self._log.every if self._log else RETRY_EVERY):
            return None if self._log is None else ()
        self._read_at = uptime
        if self._log is None:
            return self._open()
        try:
            return self._log.read()
        except EvidenceError as error:
            self.close()
            self._closed = (error.message,)
            return None

    def _open(self) -> tuple[Line, ...] | None:
        """Try every way; the first that can be read stays open."""
        closed: list[str] = []
        for way in self._ways:
            try:
                log = way()
                lines = log.read()
            except EvidenceError as error:
                closed.append(error.message)
                continue
            self._log = log
            return lines
        self._closed = tuple(closed)
        return None

    def _evidence(self, happening: KernelKill | Segfault, booted: float) -> Evidence:
        at = booted + happening.seconds
        if isinstance(happening, Segfault):
            return self._segfault(happening, at)
        why = _CONSTRAINTS.get(happening.constraint, f"constraint {happening.constraint}")
        where = f" in {happening.cgroup}" if happening.cgroup else ""
        return Evidence(
            id=fingerprint("oom-kill", self._boot or self._host, f"{happening.seconds:.6f}", happening.pid),
            at=at,
            source="kernel",
            what="oom-kill",
            host=self._host,
            fact=f"the kernel killed {happening.command} (pid {happening.pid}){where} for memory: {why}",
            how=f"dmesg -T | grep -B1 'Killed process {happening.pid} '",
            pid=happening.pid,
            data={
                "pid": happening.pid,
                "command": happening.command,
                "cgroup": happening.cgroup,
                "limited": happening.limited,
                "constraint": happening.constraint,
                "rss": happening.rss,
            },
        )

    def _segfault(self, crash: Segfault, at: float) -> Evidence:
        return Evidence(
            id=fingerprint("segfault", self._boot or self._host, f"{crash.seconds:.6f}", crash.pid),
            at=at,
            source="kernel",
            what="log-line",
            host=self._host,
            fact=f"{crash.command} (pid {crash.pid}) crashed with a segmentation fault",
            how=f"dmesg -T | grep '\\[{crash.pid}\\]: segfault'",
            pid=crash.pid,
            data={"signature": "segfault", "line": crash.line},
        )
