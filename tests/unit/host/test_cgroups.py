"""Which memory group a process is in, from /proc's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from celeriac.host.cgroups import MemoryGroup, Mount, find_group, parse_mounts, read_memory

HYBRID = (
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
    "36 31 0:33 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct",
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw",
)
UNIFIED = ("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate",)
V1 = Mount(1, "/", Path("/sys/fs/cgroup/memory"))
V2 = Mount(2, "/", Path("/sys/fs/cgroup"))


def test_mounts_are_the_hierarchies_that_may_hold_memory() -> None:
    assert parse_mounts(HYBRID) == (V1, Mount(2, "/", Path("/sys/fs/cgroup/unified")))
    assert parse_mounts(UNIFIED) == (V2,)
    assert parse_mounts(["22 1 254:0 / / rw - ext4 /dev/vda rw", r"9 1 0:2 /a\040b /c\040d rw - cgroup2 none rw"]) == (
        Mount(2, "/a b", Path("/c d")),
    )


def test_on_a_hybrid_host_version_1_holds_the_memory() -> None:
    lines = ("4:memory:/docker/4f1", "1:name=systemd:/x", "0::/docker/4f1")
    assert find_group(lines, parse_mounts(HYBRID)) == MemoryGroup(
        "/docker/4f1", Path("/sys/fs/cgroup/memory/docker/4f1"), 1, Path("/sys/fs/cgroup/memory")
    )


def test_on_a_unified_host_the_one_line_is_it() -> None:
    assert find_group(("0::/system.slice/celery.service",), (V2,)) == MemoryGroup(
        "/system.slice/celery.service", Path("/sys/fs/cgroup/system.slice/celery.service"), 2, Path("/sys/fs/cgroup")
    )


@pytest.mark.parametrize(
    ("line", "mount", "directory"),
    [
        ("0::/", Mount(2, "/", Path("/sys/fs/cgroup")), "/sys/fs/cgroup"),
        ("4:memory:/docker/4f1", Mount(1, "/docker/4f1", Path("/m")), "/m"),
        ("4:memory:/docker/4f1/sub", Mount(1, "/docker/4f1", Path("/m")), "/m/sub"),
    ],
)
def test_a_container_sees_its_own_group_at_the_mount(line: str, mount: Mount, directory: str) -> None:
    group = find_group((line,), (mount,))
    assert group is not None
    assert group.directory == Path(directory)


@pytest.mark.parametrize(
    ("line", "mounts"),
    [
        ("4:memory:/docker/other", (Mount(1, "/docker/4f1", Path("/m")),)),
        ("4:memory:/docker/4f10", (Mount(1, "/docker/4f1", Path("/m")),)),
        ("0::/../sibling", (V2,)),
        ("4:memory:/a", (V2,)),
        ("0::/a", ()),
    ],
)
def test_a_group_outside_what_is_mounted_is_not_guessed(line: str, mounts: tuple[Mount, ...]) -> None:
    assert find_group((line,), mounts) is None


def test_an_old_kernel_leaves_what_it_does_not_count_unknown(tmp_path: Path) -> None:
    """No real kernel here lacks memory.peak (before 5.19) or oom_kill (before 4.13), so the files are made."""
    group = MemoryGroup("/w", tmp_path / "w", 2, tmp_path)
    group.directory.mkdir()
    (group.directory / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\n")
    (group.directory / "memory.max").write_text("max\n")
    (tmp_path / "memory.max").write_text("1048576\n")
    reading = read_memory(group)
    assert reading is not None
    assert (reading.kills, reading.peak, reading.current, reading.group_kill) == (None, None, None, False)
    assert reading.limit == 1048576, "the limit of the group above holds here too"


def test_a_group_that_is_gone_is_none(tmp_path: Path) -> None:
    assert read_memory(MemoryGroup("/w", tmp_path / "gone", 1, tmp_path)) is None
