"""A file that becomes ready when a memory group runs out (Documentation/admin-guide/cgroup-v1/memory.rst 9 and 10,
cgroup-v2.rst, memory.events)."""

from __future__ import annotations

import os
import select

from celeriac.host.cgroups import MemoryGroup


class MemoryAlarm:
    """Goes off once: when the kernel is about to kill in the group, or with version 2 when any of its memory events is
    counted. `file` becomes ready by `mask`, as poll(2) has them."""

    def __init__(self, file: int, mask: int) -> None:
        self.file = file
        self.mask = mask

    @classmethod
    def of(cls, group: MemoryGroup) -> MemoryAlarm | None:
        """None where the kernel has none, or this user may not set it."""
        try:
            return cls._version_1(group) if group.version == 1 else cls._version_2(group)
        except (OSError, AttributeError):  # Python lacks eventfd where the C library's headers do
            return None

    def close(self) -> None:
        """Let go of it."""
        os.close(self.file)

    @classmethod
    def _version_1(cls, group: MemoryGroup) -> MemoryAlarm:
        """The kernel takes the event's file and the file it is about by their numbers, and needs the second no more."""
        event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            with (group.directory / "memory.oom_control").open("rb") as about:
                (group.directory / "cgroup.event_control").write_text(f"{event} {about.fileno()}", encoding="ascii")
        except OSError:
            os.close(event)
            raise
        return cls(event, select.POLLIN)

    @classmethod
    def _version_2(cls, group: MemoryGroup) -> MemoryAlarm:
        """Ready when it has changed since it was read."""
        file = os.open(group.directory / "memory.events", os.O_RDONLY | os.O_CLOEXEC)
        os.read(file, 4096)
        return cls(file, select.POLLPRI)
