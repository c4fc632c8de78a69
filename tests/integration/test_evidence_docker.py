"""The Docker source on a real engine."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import gethostname
from typing import Any

import pytest

from celeriac.evidence.cgroups import CgroupSource
from celeriac.evidence.docker import DockerSource
from celeriac.evidence.kernel import KernelSource
from celeriac.evidence.processes import ProcessSource
from lab.celery import Producer
from lab.docker import DockerEngine, engine
from lab.redis import RedisServer
from lab.wait import wait_until
from lab.witness import Witness, witness

pytestmark = [pytest.mark.docker, pytest.mark.redis]
HOST = gethostname()


@pytest.fixture(scope="module")
def docker_engine() -> Iterator[DockerEngine]:
    with engine() as running:
        yield running


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@contextmanager
def looking_at(docker_engine: DockerEngine) -> Iterator[Witness]:
    processes = ProcessSource(HOST)
    docker = DockerSource(HOST, docker_engine.address, processes.containers)
    with witness(processes, CgroupSource(HOST, processes.mains), KernelSource(HOST), docker) as seen:
        yield seen


def worker(docker_engine: DockerEngine, server: RedisServer, pool: str) -> Any:
    """A worker in a container of 96 MB, ready."""
    command = [sys.executable, "-m", "celery", "-A", "lab.app", "worker", "-P", pool, "-c", "1", "-l", "INFO"]
    container = docker_engine.run([*command, "-n", "boxed@%h"], megabytes=96, env={"LAB_BROKER": server.url})
    wait_until(lambda: b" ready." in container.logs(), timeout=60, why="the worker in the container")
    return container


def test_a_container_killed_by_its_limit_is_true_137_and_joins_the_process_that_died(
    docker_engine: DockerEngine, server: RedisServer
) -> None:
    with looking_at(docker_engine) as seen, Producer(server.url) as producer:
        container = worker(docker_engine, server, "solo")
        short = container.id[:12]
        process = seen.await_("process", container=short)
        running = seen.await_("container", container=short, status="running")
        assert running.pid == process.pid
        assert process.data["namespace_pid"] == 1
        assert set(process.nodes) & set(running.nodes)
        assert seen.await_("cgroup", container=short).data["limit"] == 96 << 20

        producer.send("export", 1, 300)
        died = seen.await_("container-died", timeout=20, container=short)
        assert (died.data["oom_killed"], died.data["exit_code"], died.data["limit"]) == (True, 137, 96 << 20)
        assert died.pid == process.pid
        assert died.data["restarts"] == 0
        assert seen.await_("container", container=short, status="exited").data["oom_killed"] is True
        assert seen.await_("process-gone", container=short).pid == process.pid
        kill = seen.await_("oom-kill", pid=process.pid)
        assert container.id in str(kill.data["cgroup"])

        container.start()
        again = seen.await_("container", container=short, status="running")
        assert again.id == running.id
        assert again.data["oom_killed"] is False, "the flag of the run before stays up, and speaks of that alone"
        container.remove(force=True)


def test_a_child_killed_by_the_limit_leaves_the_container_running(
    docker_engine: DockerEngine, server: RedisServer
) -> None:
    with looking_at(docker_engine) as seen, Producer(server.url) as producer:
        container = worker(docker_engine, server, "prefork")
        short = container.id[:12]
        seen.await_("cgroup", container=short, kills=0)
        producer.send("export", 1, 300)
        count = seen.await_("oom-count", timeout=20, container=short)
        assert count.number("added") == 1
        child = seen.await_("child-gone", timeout=20, container=short)
        assert seen.await_("oom-kill", pid=child.pid).data["constraint"] == "memcg"
        level = seen.await_("container", container=short, status="running")
        assert (level.data["oom_killed"], level.data["exit_code"]) == (False, None)
        assert seen.find("container-died", container=short) is None
        container.remove(force=True)


def test_a_kill_by_hand_is_137_without_the_flag(docker_engine: DockerEngine) -> None:
    with looking_at(docker_engine) as seen:
        container = docker_engine.run(["sh", "-c", "sleep 600 # celery worker"])
        container.kill()
        died = seen.await_("container-died", container=container.id[:12])
        assert (died.data["oom_killed"], died.data["exit_code"]) == (False, 137)
        container.remove(force=True)


def test_other_containers_are_told_in_brief(docker_engine: DockerEngine) -> None:
    with looking_at(docker_engine) as seen:
        container = docker_engine.run(["sleep", "600"])
        level = seen.await_("container", container=container.id[:12], status="running")
        assert level.data["worker"] is False
        container.remove(force=True)


def test_the_last_lines_of_a_container_are_read(docker_engine: DockerEngine) -> None:
    container = docker_engine.run(["sh", "-c", "seq 1 5000; echo oh no >&2"])
    container.wait(timeout=30)
    source = DockerSource(HOST, docker_engine.address)
    try:
        lines = source.logs(container.id, tail=3)
    finally:
        source.close()
    assert {line.text for line in lines} <= {"4998", "4999", "5000", "oh no"}
    assert len(lines) == 3
    assert all(line.at is not None and abs(time.time() - line.at) < 60 for line in lines)
    container.remove(force=True)
