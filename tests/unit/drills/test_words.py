"""The demo says who killed, honestly."""

from __future__ import annotations

from pathlib import Path

import pytest

from celeriac.drills.stage import MemoryGroup
from celeriac.drills.words import MIB, docker_fix, ending, enforcer, killer

V1 = MemoryGroup(Path("group"), version=1, whole=False)
V2 = MemoryGroup(Path("group"), version=2, whole=True)


@pytest.mark.parametrize(
    ("group", "says"),
    [
        (V1, "It went over its 192 MB, and the kernel killed its main process (v1 groups cannot die as one"),
        (V2, "It went over its 192 MB, and the kernel killed all of its group together"),
        (None, "This demo's own watcher sent the SIGKILL"),
    ],
)
def test_who_killed_is_said_as_it_was(group: MemoryGroup | None, says: str) -> None:
    assert killer(group, 192 * MIB).startswith(says)


def test_without_a_group_nothing_is_laid_on_the_kernel() -> None:
    assert "kernel" not in killer(None, 192 * MIB) + enforcer(None)


def test_an_exit_is_named_as_a_shell_would() -> None:
    assert (ending(-9), ending(1)) == ("SIGKILL (exit 137)", "exit 1")


def test_the_fix_can_be_typed() -> None:
    assert docker_fix(768 * MIB) == "docker update --memory 768m --memory-swap 768m worker && docker start worker"
