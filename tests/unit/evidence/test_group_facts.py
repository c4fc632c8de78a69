"""What a rise of a memory group's kill counters says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from celeriac.evidence.group_facts import Watched, rise
from celeriac.host.cgroups import MemoryGroup, MemoryReading
from celeriac.model.evidence import Evidence

TOP = Path("/sys/fs/cgroup")
BEFORE = MemoryReading(inode=7, kills=5, limit=64 << 20, peak=64 << 20, current=0, group_kill=False, group_kills=3)
WATCHED = Watched(MemoryGroup("/worker", TOP / "worker", 2, TOP), 100.0, ("w1@lab",), 4121, None, BEFORE)


def told(now: MemoryReading, before: MemoryReading = BEFORE) -> Evidence:
    return rise("lab", WATCHED, now, before, 101.0)


def test_the_kill_of_one_process_adds_nothing_to_the_groups_killed_before() -> None:
    found = told(replace(BEFORE, kills=6))
    assert (found.data["added"], found.data["group_kills"], found.data["group_added"]) == (1, 3, 0)
    assert found.fact.startswith("the kernel killed 1 for memory")


def test_the_kill_of_the_whole_group_is_told_by_what_was_added() -> None:
    found = told(replace(BEFORE, kills=8, group_kills=4))
    assert (found.data["added"], found.data["group_added"]) == (3, 1)
    assert found.fact.startswith("the kernel killed all for memory")


def test_a_group_made_anew_counts_from_zero() -> None:
    found = told(replace(BEFORE, inode=8, kills=1, group_kills=1))
    assert (found.data["added"], found.data["group_added"]) == (1, 1)
    assert "killed all" in found.fact


def test_a_kernel_that_counts_no_groups_says_unknown_not_zero() -> None:
    found = told(replace(BEFORE, kills=6, group_kills=None), replace(BEFORE, group_kills=None))
    assert found.data["group_added"] is None
