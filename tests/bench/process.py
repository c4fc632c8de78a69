"""What a process of ours uses: processor time, memory, threads; read from the kernel, without touching it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

MB = 2**20


class Memory(NamedTuple):
    """Bytes: resident; resident with shared pages split among those who share them; its own alone."""

    rss: int
    pss: int
    uss: int


def processor(pid: int) -> float:
    """Seconds of processor time of the whole process, ended threads included.

    Its CPU clock, by the kernel's own numbering of clocks (clock_getcpuclockid(3)): nanoseconds, where `/proc` has
    hundredths.
    """
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int) -> Memory:
    """From `smaps_rollup`."""
    fields: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, size = line.split()[:2]
        fields[name.rstrip(":")] = int(size) * 1024
    return Memory(fields["Rss"], fields["Pss"], fields["Private_Clean"] + fields["Private_Dirty"])


def threads(pid: int) -> int:
    """How many threads it has, the main one included."""
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
