"""Memory control groups, version 1 and 2, as the kernel shows them (Documentation/admin-guide/cgroup-v1/memory.rst,
cgroup-v2.rst). What a kernel does not offer is None."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

NO_LIMIT = 1 << 60
"""Version 1 writes "no limit" as the greatest page-aligned number."""

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A hierarchy that may hold memory groups: `root` is the group that is seen at `directory`."""

    version: Literal[1, 2]
    root: str
    directory: Path


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """One group. `path` is its name in the kernel's words, `top` the mount above which nothing is seen."""

    path: str
    directory: Path
    version: Literal[1, 2]
    top: Path


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """One look, sizes in bytes. `kills` counts processes killed for memory, `group_kills` whole groups (v2 only).

    `limit` is the tightest of the group and those above it, None without one. `group_kill` tells that a kill takes
    the whole group. `inode` tells the directory from a later one with its name.
    """

    inode: int
    kills: int | None
    limit: int | None
    peak: int | None
    current: int | None
    group_kill: bool
    group_kills: int | None


def read_mounts() -> tuple[Mount, ...]:
    """The hierarchies this process sees."""
    return parse_mounts(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines())


def parse_mounts(lines: Iterable[str]) -> tuple[Mount, ...]:
    """The memory hierarchies among the lines of /proc/PID/mountinfo (proc(5))."""
    found = []
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if kind[0] == "cgroup2":
            found.append(Mount(2, _plain(fields[3]), Path(_plain(fields[4]))))
        elif kind[0] == "cgroup" and "memory" in kind[-1].split(","):
            found.append(Mount(1, _plain(fields[3]), Path(_plain(fields[4]))))
    return tuple(found)


def read_group(pid: int, mounts: Iterable[Mount]) -> MemoryGroup | None:
    """The group whose limit process `pid` lives under; None when it is gone or lies outside what is mounted here."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    return find_group(text.splitlines(), mounts)


def find_group(lines: Iterable[str], mounts: Iterable[Mount]) -> MemoryGroup | None:
    """The memory group among the lines of /proc/PID/cgroup. On a hybrid host version 1 holds the controller."""
    version, path = 0, ""
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if "memory" in controllers.split(","):
            version, path = 1, name
        elif controllers == "" and version == 0:
            version, path = 2, name
    return next((group for mount in mounts if mount.version == version and (group := _within(mount, path))), None)


def read_memory(group: MemoryGroup) -> MemoryReading | None:
    """The group's counters now, None when it is gone."""
    try:
        inode = group.directory.stat().st_ino
    except OSError:
        return None
    return _version_1(group, inode) if group.version == 1 else _version_2(group, inode)


def _version_1(group: MemoryGroup, inode: int) -> MemoryReading:
    control = _table(group.directory / "memory.oom_control")
    return MemoryReading(
        inode=inode,
        kills=control.get("oom_kill"),  # since Linux 4.13
        limit=_tightest(group, "memory.limit_in_bytes"),
        peak=_number(group.directory / "memory.max_usage_in_bytes"),
        current=_number(group.directory / "memory.usage_in_bytes"),
        group_kill=False,
        group_kills=None,
    )


def _version_2(group: MemoryGroup, inode: int) -> MemoryReading:
    events = _table(group.directory / "memory.events")
    return MemoryReading(
        inode=inode,
        kills=events.get("oom_kill"),
        limit=_tightest(group, "memory.max"),
        peak=_number(group.directory / "memory.peak"),
        current=_number(group.directory / "memory.current"),
        group_kill=any(_number(directory / "memory.oom.group") == 1 for directory in _upwards(group)),
        group_kills=events.get("oom_group_kill"),
    )


def _within(mount: Mount, path: str) -> MemoryGroup | None:
    """The group at `path`, if this mount shows it: a container sees its own part of the tree alone."""
    root = mount.root.rstrip("/")
    if not f"{path}/".startswith(f"{root}/") or path.startswith("/.."):
        return None
    return MemoryGroup(path, mount.directory / path[len(root) :].strip("/"), mount.version, mount.directory)


def _upwards(group: MemoryGroup) -> Iterator[Path]:
    """Its directory and those above it, up to the mount."""
    yield group.directory
    yield from (above for above in group.directory.parents if above.is_relative_to(group.top))


def _tightest(group: MemoryGroup, name: str) -> int | None:
    limits = (_number(directory / name) for directory in _upwards(group))
    return min((limit for limit in limits if limit is not None and limit < NO_LIMIT), default=None)


def _number(path: Path) -> int | None:
    """The file's one number; None for `max`, and where there is no such file."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _table(path: Path) -> dict[str, int]:
    """A file of `key number` lines."""
    rows = (line.split() for line in _text(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def _text(path: Path) -> str:
    """The file, empty when there is none: groups vanish at any moment, and kernels differ in what they offer."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _plain(text: str) -> str:
    """Undo mountinfo's octal escapes of blanks."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
