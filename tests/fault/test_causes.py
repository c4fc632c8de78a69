"""Wrong-cause pairs: faults that look alike from outside, each of which must be called what it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]


def verdict(server: Server, task_id: str, word: str, timeout: float = 30) -> None:
    wait_until(
        lambda: server.get(f"tasks/{task_id}")["verdict"] == word, timeout, every=0.2, why=f"{task_id} to be {word}"
    )


def kinds(server: Server) -> set[str]:
    return {one["kind"] for one in server.incidents()}


def settled(server: Server, incident: dict[str, Any], seconds: float = 6) -> dict[str, Any]:
    """The incident as it stands after `seconds`, in which late evidence would have changed its cause."""
    until = time.time() + seconds
    found: dict[str, Any] = wait_until(
        lambda: server.get(f"incidents/{incident['id']}") if time.time() >= until else None, seconds + 20, every=0.5
    )
    return found


def test_a_child_killed_by_hand_is_a_failed_task_and_nobodys_memory() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, node="hand@cause-child") as worker,
        Producer(redis.url) as producer,
    ):
        server.know("hand@cause-child")
        task = producer.send("nap", 60)
        verdict(server, task, "running")
        for child in worker.children:
            os.kill(child, signal.SIGKILL)
        verdict(server, task, "failed")
        after = producer.send("noop")
        verdict(server, after, "succeeded")
        assert "worker-oom-killed" not in kinds(server), server.incidents()
        assert "worker-lost" not in kinds(server), server.incidents()
        assert worker.process.poll() is None


def test_a_memory_error_ends_the_worker_and_is_no_kill_by_the_kernel() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, node="error@cause-error") as worker,
        Producer(redis.url) as producer,
    ):
        server.know("error@cause-error")
        task = producer.send("exhaust")
        assert worker.process.wait(timeout=30) not in (0, None)
        incident = settled(server, server.incident("worker-lost", timeout=20), 3)
        assert incident["cause"] == "exit", incident["summary"]
        assert incident["impact"]["lost"] == [task]
        assert kinds(server) == {"worker-lost"}


@pytest.mark.cgroup
def test_a_kill_by_hand_beside_a_memory_kill_of_somebody_else() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(60) as elsewhere,
        Worker(redis.url, node="hand@cause-beside") as worker,
    ):
        server.know("hand@cause-beside")
        with subprocess.Popen(
            [sys.executable, "-c", "input(); rows = [bytearray(b'x' * (1 << 20)) for _ in range(4000)]"],
            stdin=subprocess.PIPE,
        ) as glutton:
            elsewhere.take(glutton.pid)
            glutton.communicate(b"\n", timeout=30)
            worker.kill()
            assert glutton.returncode == -signal.SIGKILL
        assert elsewhere.kills == 1
        incident = settled(server, server.incident("worker-lost", timeout=20))
        assert (incident["kind"], incident["cause"]) == ("worker-lost", "sigkill")
        assert kinds(server) == {"worker-lost"}


def test_of_two_workers_on_one_host_the_killed_one_is_named_with_its_own_tasks() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, node="dies@cause-two") as dies,
        Producer(redis.url) as producer,
    ):
        server.know("dies@cause-two")
        taken = [producer.send("nap", 40) for _ in range(10)]  # two that run, and eight prefetched: it takes no more
        verdict(server, taken[1], "running")
        verdict(server, taken[9], "reserved")
        with Worker(redis.url, node="lives@cause-two") as lives:
            server.know("lives@cause-two")
            others = [producer.send("nap", 8) for _ in range(2)]
            verdict(server, others[1], "running")
            dies.kill()
            incident = settled(server, server.incident("worker-lost", timeout=20))
            assert incident["subject"]["worker"] == "dies@cause-two"
            assert sorted(incident["impact"]["lost"]) == sorted(taken[:2])
            assert sorted(incident["impact"]["held"]) == sorted(taken[2:])
            assert incident["impact"]["waiting"] in (0, None)
            assert kinds(server) == {"worker-lost"}, server.incidents()
            states = {one["node"]: one["state"] for one in server.get("workers")["items"]}
            assert states == {"dies@cause-two": "dead", "lives@cause-two": "alive"}
            for task in others:
                verdict(server, task, "succeeded")
            assert lives.process.poll() is None
