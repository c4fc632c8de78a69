"""The kernel log by each way to it, with a real kill in it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from socket import gethostname

import pytest

from celeriac.errors import EvidenceError
from celeriac.evidence.kernel import KernelSource
from celeriac.evidence.kernel_log import KernelLog, Kmsg, Line, dmesg
from celeriac.model.evidence import Evidence
from lab.cgroup import MemoryLimit

pytestmark = pytest.mark.cgroup
HOST = gethostname()


@pytest.fixture(scope="module")
def dead() -> Iterator[int]:
    """The pid of a process that the kernel killed for memory."""
    with MemoryLimit(32) as group:
        eat = "import sys; sys.stdin.read(1); bytearray(200 << 20)"
        with subprocess.Popen([sys.executable, "-c", eat], stdin=subprocess.PIPE) as process:
            group.take(process.pid)
            process.communicate(b"x", timeout=20)
        assert process.returncode == -9
        yield process.pid


def kills(source: KernelSource, pid: int) -> list[Evidence]:
    return [fact for fact in source.look(time.time()).evidence if fact.pid == pid]


def test_a_kill_from_before_the_first_look_is_found_and_told_once(dead: int) -> None:
    with closing(KernelSource(HOST)) as source:
        (kill,) = kills(source, dead)
        assert kill.what == "oom-kill"
        assert time.time() - 60 < kill.at < time.time()
        assert kills(source, dead) == []


def test_every_way_tells_the_same_kill_by_the_same_id(dead: int) -> None:
    found: list[Evidence] = []
    for way in (Kmsg, dmesg):
        with closing(KernelSource(HOST, ways=(way,))) as source:
            found += kills(source, dead)
    assert len(found) == 2
    assert found[0].id == found[1].id
    assert abs(found[0].at - found[1].at) < 0.5


def test_what_a_user_wrote_into_the_log_is_no_kill() -> None:
    forged = "Memory cgroup out of memory: Killed process 99999999 (celery) total-vm:1kB, anon-rss:1kB"
    Path("/dev/kmsg").write_text(forged)
    for way in (Kmsg, dmesg):
        with closing(KernelSource(HOST, ways=(way,))) as source:
            assert kills(source, 99999999) == []


def test_a_log_that_breaks_is_a_blind_spot_until_it_opens_again() -> None:
    uptime = iter((100.0, 101.0, 102.0, 112.0))
    log = _Breaking()
    ways: tuple[Callable[[], KernelLog], ...] = (lambda: log,)
    with closing(KernelSource(HOST, ways=ways, uptime=lambda: next(uptime))) as source:
        whys = [[spot.why for spot in source.look(1000.0).blind_spots] for _ in range(4)]
    assert whys == [[], ["gone"], ["gone"], []]


class _Breaking:
    """A log whose second read fails; no real one does that on demand."""

    name = "breaking"
    every = 0.0

    def __init__(self) -> None:
        self._reads = 0

    def read(self) -> tuple[Line, ...]:
        self._reads += 1
        if self._reads == 2:
            raise EvidenceError("gone")
        return ()

    def close(self) -> None:
        """Nothing is held."""
