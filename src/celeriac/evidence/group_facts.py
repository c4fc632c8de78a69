"""What a look at a worker's memory group says, as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.host.cgroups import MemoryGroup, MemoryReading
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence

_COUNTER = {1: "memory.oom_control", 2: "memory.events"}


@dataclass(frozen=True, slots=True)
class Watched:
    """A group with workers in it at `lived` (Unix seconds). `pid` is the main's when it holds one alone.

    `reading` is the newest that worked; `removed` is true once the group is gone.
    """

    group: MemoryGroup
    lived: float
    nodes: tuple[str, ...]
    pid: int | None
    container: str | None
    reading: MemoryReading | None = None
    removed: bool = False


def level(host: str, watched: Watched, reading: MemoryReading, at: float) -> Evidence:
    """The group as it is. A removed one keeps its limit and peak, as they were; its kills are unknown."""
    path = watched.group.path
    return Evidence(
        id=fingerprint("cgroup", host, path),
        at=at,
        source="cgroup",
        what="cgroup",
        host=host,
        fact=_fact(watched, reading),
        how=_how(watched.group),
        pid=watched.pid,
        nodes=watched.nodes,
        container=watched.container,
        data={
            "path": path,
            "version": watched.group.version,
            "kills": None if watched.removed else reading.kills,
            "limit": reading.limit,
            "peak": reading.peak,
            "current": None if watched.removed else reading.current,
            "group_kill": reading.group_kill,
        },
    )


def rise(host: str, watched: Watched, reading: MemoryReading, before: MemoryReading, at: float) -> Evidence:
    """The kernel killed in the group since the look `before`. `added` is the counter's own growth: of a group that is
    killed whole the first victim counts twice (mm/oom_kill.c, oom_kill_process)."""
    path, kills, groups = watched.group.path, added(before, reading), group_added(before, reading)
    who = "all" if groups else str(kills)
    return Evidence(
        id=fingerprint("oom-count", host, path, reading.inode, reading.kills),
        at=at,
        source="cgroup",
        what="oom-count",
        host=host,
        fact=f"the kernel killed {who} for memory in {path}, whose limit is {_size(reading.limit)}",
        how=_how(watched.group),
        pid=watched.pid,
        nodes=watched.nodes,
        container=watched.container,
        data={
            "path": path,
            "version": watched.group.version,
            "kills": reading.kills,
            "added": kills,
            "limit": reading.limit,
            "peak": reading.peak,
            "group_kills": reading.group_kills,
            "group_added": groups,
        },
    )


def added(before: MemoryReading, now: MemoryReading) -> int:
    """Kills counted between two looks. A directory made anew under the same name counts from zero."""
    kills = now.kills or 0
    return kills - (before.kills or 0) if now.inode == before.inode else kills


def group_added(before: MemoryReading, now: MemoryReading) -> int | None:
    """The same for kills of the whole group, None where the kernel does not count them (version 1)."""
    if now.group_kills is None:
        return None
    return now.group_kills - (before.group_kills or 0) if now.inode == before.inode else now.group_kills


def _fact(watched: Watched, reading: MemoryReading) -> str:
    path = watched.group.path
    if watched.removed:
        return f"the memory group {path} was removed, and its kill counter with it"
    kills = "an unknown number" if reading.kills is None else str(reading.kills)
    return f"{kills} killed for memory in {path}; peak {_size(reading.peak)}, limit {_size(reading.limit)}"


def _how(group: MemoryGroup) -> str:
    return f"cat {group.directory / _COUNTER[group.version]}"


def _size(value: int | None) -> str:
    return "none" if value is None else f"{value / (1 << 20):,.0f} MB"
