"""A memory limit that the kernel itself enforces, where this process may make one."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from celeriac.drills.stage.stage import Stage

FIRST_CHOICE = 1000
"""`oom_score_adj` of the process that the kernel kills before any other of its group (proc(5))."""


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """A control group of our own. `whole` is true when the kernel kills all of it together (v2, memory.oom.group)."""

    path: Path
    version: Literal[1, 2]
    whole: bool

    @property
    def procs(self) -> Path:
        """Who writes 0 here joins the group."""
        return self.path / "cgroup.procs"

    @property
    def limit_file(self) -> Path:
        """Where its limit stands, in bytes."""
        return self.path / ("memory.max" if self.version == 2 else "memory.limit_in_bytes")

    def limit(self, size: int) -> None:
        """Set the limit, in bytes; swap does not stretch it. Raises OSError."""
        self.limit_file.write_text(str(size), encoding="ascii")
        if self.version == 2:
            with contextlib.suppress(OSError):  # no such file without swap accounting
                (self.path / "memory.swap.max").write_text("0", encoding="ascii")

    def choose(self, pid: int) -> None:
        """Make `pid` the kernel's first choice. Its children that run already keep their own score."""
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(FIRST_CHOICE), encoding="ascii")


def make_memory_group(stage: Stage, size: int) -> MemoryGroup | None:
    """A new group limited to `size` bytes, v2 where it can be had, else v1; None where it may not be made."""
    for parent, version in _places():
        path = parent / stage.directory.name
        stage.remove_at_end(path)
        group = _made(path, version, size)
        if group is not None:
            return group
    return None


def _made(path: Path, version: Literal[1, 2], size: int) -> MemoryGroup | None:
    group = MemoryGroup(path, version, whole=version == 2)
    try:
        path.mkdir()
        group.limit(size)
        if group.whole:
            (path / "memory.oom.group").write_text("1", encoding="ascii")
        _enter_and_leave(group)
    except (OSError, subprocess.TimeoutExpired):
        with contextlib.suppress(OSError):
            path.rmdir()
        return None
    return group


def _enter_and_leave(group: MemoryGroup) -> None:
    """Prove that a process of ours may join: a directory that can be made is not yet one that lets anybody in."""
    visitor = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        group.procs.write_text(str(visitor.pid), encoding="ascii")
    finally:
        visitor.kill()
        visitor.communicate(timeout=5.0)


def _places() -> Iterator[tuple[Path, Literal[1, 2]]]:
    """Where a group might be made: beside or above our own on v2 (a group with processes has no limited children),
    beneath our own on v1, so that the limits we live under go on holding."""
    mounts = dict(_mounts())
    memberships = dict(_memberships())
    if "cgroup2" in mounts:
        root = mounts["cgroup2"]
        own = root / memberships.get("", "/").lstrip("/")
        yield from (
            (parent, 2) for parent in (*own.parents, own) if parent.is_relative_to(root) and _shares_memory(parent)
        )
    if "memory" in mounts:
        own = mounts["memory"] / memberships.get("memory", "/").lstrip("/")
        yield (own if own.is_dir() else mounts["memory"]), 1


def _shares_memory(parent: Path) -> bool:
    try:
        return "memory" in (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
    except OSError:
        return False


def _memberships() -> Iterator[tuple[str, str]]:
    """Our own groups by controller, "" for v2 (cgroups(7): `id:controllers:path`)."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        yield from ((controller, path) for controller in controllers.split(","))


def _mounts() -> Iterator[tuple[str, Path]]:
    """Where the memory hierarchies are mounted: "cgroup2", "memory" (proc(5), mounts)."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, point, kind, options, *_ = line.split(" ")
        if kind == "cgroup2":
            yield kind, Path(point)
        if kind == "cgroup" and "memory" in options.split(","):
            yield "memory", Path(point)
