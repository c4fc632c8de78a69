"""An agent sees the host for a server that does not."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from uuid import uuid4

import pytest

from celeriac.store import Store
from lab.agent import BLIND, Agent
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

SOON = 6.0
"""Seconds within which a death is an incident; the bench measures how much sooner."""


def node() -> str:
    return f"w-{uuid4().hex[:8]}@lab"


def seen(server: Server, what: str, pid: int, since: float = 0.0) -> list[str]:
    """The ids of what is on record about one process."""
    store = Store.existing(server.store)
    try:
        found = store.view(time.time()).evidence
        return [one.id for one in found if (one.what, one.pid) == (what, pid) and one.at >= since]
    finally:
        store.close()


def watched(server: Server, worker: Worker) -> None:
    """Wait until the server heard the worker, and the agent's look at it came through."""
    server.know(worker.node)
    wait_until(lambda: seen(server, "process", worker.pid), 20, why="the agent's look at the worker")


def test_a_killed_main_process_is_an_incident_with_its_cause() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Agent(redis.url),
        Worker(redis.url, node=node()) as worker,
    ):
        watched(server, worker)
        worker.kill()
        incident = server.incident("worker-lost", timeout=SOON)
        assert (incident["cause"], incident["subject"]["worker"]) == ("sigkill", worker.node)
        assert "process" in {fact["source"] for fact in incident["evidence"]}


@pytest.mark.cgroup
def test_a_main_process_killed_for_memory_is_an_incident_with_the_limit_it_reached() -> None:
    with (
        MemoryLimit(48) as group,
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Worker(redis.url, node=node(), pool="solo") as worker,
        Producer(redis.url) as producer,
        ExitStack() as later,
    ):
        group.take(worker.pid)
        later.enter_context(Agent(redis.url))
        watched(server, worker)
        producer.send("export", 1, 400, 5)
        wait_until(lambda: worker.process.poll() is not None, 30, why="the kernel to kill the worker")
        incident = server.incident("worker-oom-killed", timeout=SOON)
        assert (incident["cause"], incident["subject"]["worker"]) == ("container", worker.node)
        assert "48 MB" in incident["summary"]
        assert {"kernel", "cgroup", "process"} & {fact["source"] for fact in incident["evidence"]}


def test_what_happened_while_the_broker_was_away_is_told_once_it_is_back() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Agent(redis.url) as agent,
        Worker(redis.url, node=node()) as worker,
    ):
        watched(server, worker)
        redis.kill()
        worker.kill()
        wait_until(lambda: "loop-failed" in agent.log, 20, why="the agent to miss the broker")
        redis.start()
        ends = wait_until(lambda: seen(server, "process-gone", worker.pid), 40, why="the end to be told")
        assert len(ends) == 1


def test_a_killed_agent_comes_back_and_tells_nothing_twice() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Agent(redis.url) as agent,
        Worker(redis.url, node=node()) as worker,
    ):
        watched(server, worker)
        agent.kill()
        again = time.time()
        agent.start()
        wait_until(lambda: seen(server, "process", worker.pid, again), 20, why="the new agent to look")
        worker.kill()
        ends = wait_until(lambda: seen(server, "process-gone", worker.pid), 20, why="the end to be told")
        agent.kill()
        agent.start()
        server.incident("worker-lost", timeout=20)
        assert seen(server, "process-gone", worker.pid) == ends
        assert len(ends) == 1
        assert len(server.incidents("open")) == 1


def test_two_agents_and_a_server_on_one_host_tell_one_story() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Agent(redis.url),
        Agent(redis.url, "--interval", "0.3"),
        Worker(redis.url, node=node()) as worker,
    ):
        watched(server, worker)
        worker.kill()
        server.incident("worker-lost", timeout=15)
        assert len(seen(server, "process-gone", worker.pid)) == 1
        assert {one["kind"] for one in server.incidents("open")} == {"worker-lost"}


def test_an_agent_waits_for_its_broker_and_stops_when_told() -> None:
    redis = RedisServer()
    with Agent(redis.url) as agent:
        wait_until(lambda: "loop-failed" in agent.log, 20, why="the agent to miss the broker")
        with redis:
            client = redis.client()
            wait_until(lambda: client.exists("celeriac:record"), 40, why="the agent to ship")
            assert agent.stop(signal.SIGINT) == 130
        agent.start()
        assert agent.stop() == 0
