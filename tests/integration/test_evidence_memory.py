"""Kernel log, control group and process table agree on real OOM kills (cgroup version 1)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from socket import gethostname

import pytest

from celeriac.evidence.cgroups import CgroupSource
from celeriac.evidence.kernel import KernelSource
from celeriac.evidence.processes import ProcessSource
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.witness import Witness, witness

pytestmark = [pytest.mark.redis, pytest.mark.cgroup]
HOST = gethostname()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def limit() -> Iterator[MemoryLimit]:
    with MemoryLimit(64) as group:
        yield group


@pytest.fixture
def seen() -> Iterator[Witness]:
    processes = ProcessSource(HOST)
    with witness(processes, CgroupSource(HOST, processes.mains), KernelSource(HOST)) as looking:
        yield looking


def test_a_main_killed_by_its_limit_is_told_by_kernel_group_and_process_table(
    server: RedisServer, limit: MemoryLimit, seen: Witness
) -> None:
    with Worker(server.url, pool="solo") as worker, Producer(server.url) as producer:
        limit.take(worker.pid)
        seen.await_("cgroup", path=limit.path, kills=0, limit=limit.limit)
        before = time.time()
        producer.send("export", 1, 200)
        gone = seen.await_("process-gone", pid=worker.pid)
        kill = seen.await_("oom-kill", pid=worker.pid)
        count = seen.await_("oom-count", path=limit.path)
    assert gone.data["cgroup"] == kill.data["cgroup"] == limit.path
    assert kill.data["constraint"] == "memcg"
    assert before - 0.1 <= kill.at <= time.time()
    assert kill.at <= gone.at + 0.1
    assert (count.data["added"], count.data["kills"], count.data["limit"]) == (1, limit.kills, limit.limit)
    assert count.nodes == gone.nodes == ("w1@lab",)
    assert isinstance(count.data["peak"], int) and count.data["peak"] > limit.limit * 0.9


def test_a_killed_child_is_told_from_its_main(server: RedisServer, limit: MemoryLimit, seen: Witness) -> None:
    with Worker(server.url, concurrency=1) as worker, Producer(server.url) as producer:
        (child,) = worker.children
        limit.take(worker.pid, child)
        seen.await_("cgroup", path=limit.path, kills=0)
        producer.send("export", 1, 200)
        assert seen.await_("oom-kill", pid=child).data["cgroup"] == limit.path
        assert seen.await_("child-gone", pid=child).data["parent"] == worker.pid
        assert seen.await_("oom-count", path=limit.path).data["added"] == 1
        assert seen.find("process-gone", pid=worker.pid) is None


def test_a_kill_by_hand_leaves_no_trace_of_memory(server: RedisServer, limit: MemoryLimit, seen: Witness) -> None:
    with Worker(server.url, pool="solo") as worker:
        limit.take(worker.pid)
        seen.await_("cgroup", path=limit.path)
        os.kill(worker.pid, signal.SIGKILL)
        assert seen.await_("process-gone", pid=worker.pid).data["signal"] == signal.SIGKILL
        seen.look()
        assert seen.find("oom-kill", pid=worker.pid) is None
        assert seen.find("oom-count", path=limit.path) is None
        assert seen.find("cgroup", path=limit.path, kills=0) is not None, "still read, though nobody lives in it"


def test_a_group_removed_with_its_worker_is_a_blind_spot(server: RedisServer, seen: Witness) -> None:
    with MemoryLimit(64) as group, Worker(server.url, pool="solo") as worker:
        group.take(worker.pid)
        seen.await_("cgroup", path=group.path, kills=0)
        worker.kill()
        group.remove()
        removed = seen.await_("cgroup", path=group.path, kills=None)
        assert removed.data["limit"] == group.limit, "what was known stays known"
        assert [spot.what for spot in seen.blind_spots] == [f"kill counter of {group.path}"]


def test_a_group_made_anew_under_its_old_name_counts_from_zero(server: RedisServer, seen: Witness) -> None:
    with MemoryLimit(64) as group, Worker(server.url, pool="solo") as worker, Producer(server.url) as producer:
        for _ in range(2):
            if not group.directory.exists():
                group.make()
                worker.start()
            group.take(worker.pid)
            seen.await_("cgroup", path=group.path, pid=worker.pid, kills=0)
            producer.send("export", 1, 200)
            worker.process.wait(timeout=20)
            edge = seen.await_("oom-count", path=group.path, pid=worker.pid)
            assert (edge.data["kills"], edge.data["added"]) == (1, 1)
            group.remove()
