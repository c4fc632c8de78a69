"""Kills of a memory group, and which of them a death explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from celeriac.host.cgroups import MemoryGroup
from celeriac.worker.groups import STRETCH, Group

MB = 1 << 20


class Kernel:
    """A version 1 group of files, as the kernel shows one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.show(kills=3, current=100 * MB)
        (directory / "memory.limit_in_bytes").write_text(str(512 * MB))

    def show(self, *, kills: int, current: int = 100 * MB) -> None:
        (self.directory / "memory.oom_control").write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")
        (self.directory / "memory.usage_in_bytes").write_text(str(current))


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.fixture
def group(kernel: Kernel) -> Group:
    group = Group(MemoryGroup("/lab", kernel.directory, 1, kernel.directory))
    group.look(0.0)
    return group


def test_kills_from_before_the_first_look_are_nobodys(group: Group) -> None:
    assert group.kills_added == 0


def test_each_kill_explains_one_death(kernel: Kernel, group: Group) -> None:
    kernel.show(kills=5)
    group.look(0.1)
    assert group.kills_added == 2
    group.explain()
    assert group.kills_added == 1
    group.explain()
    assert group.kills_added == 0


def test_a_kill_is_open_for_at_least_a_stretch_after_it_was_counted(kernel: Kernel, group: Group) -> None:
    kernel.show(kills=4)
    group.look(STRETCH, settle=True)
    assert group.kills_added == 1
    group.look(1.5 * STRETCH, settle=True)
    assert group.kills_added == 1
    group.look(2 * STRETCH, settle=True)
    assert group.kills_added == 0


def test_while_a_death_is_looked_into_no_kill_is_settled(kernel: Kernel, group: Group) -> None:
    kernel.show(kills=4)
    for second in range(1, 10):
        group.look(second * STRETCH, settle=False)
    assert group.kills_added == 1


def test_a_group_that_is_gone_is_unknown(kernel: Kernel, group: Group) -> None:
    for file in kernel.directory.iterdir():
        file.unlink()
    kernel.directory.rmdir()
    group.look(1.0)
    assert group.reading is None
    assert group.kills_added is None


def test_growth_says_when_the_limit_is_reached(kernel: Kernel, group: Group) -> None:
    kernel.show(kills=3, current=300 * MB)
    group.look(1.0)
    assert not group.fills_within(1.0)
    assert group.fills_within(1.1)
    group.look(2.0)
    assert not group.fills_within(3600.0)
