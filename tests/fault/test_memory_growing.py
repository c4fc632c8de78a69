"""Memory that heads for a real limit, in a real memory group, as the recorder inside a real worker sees it."""

from __future__ import annotations

import uuid

import pytest

from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.cgroup, pytest.mark.timeout(240)]
KIND = "worker-memory-growing"


def test_a_leak_is_told_before_the_limit_and_a_spike_by_its_task() -> None:
    leaks, spikes = (f"{what}-{uuid.uuid4().hex[:6]}@lab" for what in ("leak", "spike"))
    env = {"LAB_INSTALL": '{"memory_interval": 0.5}'}
    with (
        RedisServer() as broker,
        Server(broker.url) as server,
        Producer(broker.url) as producer,
        MemoryLimit(400) as first,
        MemoryLimit(300) as second,
        Worker(broker.url, node=leaks, app="lab.faulty", concurrency=1, queues=("leak",), env=env) as leaking,
        Worker(broker.url, node=spikes, app="lab.faulty", concurrency=1, queues=("spike",), env=env) as spiking,
    ):
        first.take(leaking.pid, *leaking.children)
        second.take(spiking.pid, *spiking.children)
        server.know(leaks)
        server.know(spikes)
        for number in range(100):
            producer.send("leak", 2, queue="leak", countdown=number / 2)
        producer.send("export", 1, 260, 2.0, queue="spike")

        def causes() -> dict[str, str]:
            found = [server.get(f"incidents/{one['id']}") for one in server.incidents("open") if one["kind"] == KIND]
            return {one["subject"]["worker"]: one["cause"] for one in found}

        wait_until(lambda: causes().get(spikes) == "spike", 40, every=0.3, why="the spike to be told")
        wait_until(lambda: causes().get(leaks) == "leak", 110, every=0.5, why="the leak to be told")
        leak = next(one for one in server.incidents("open") if one["kind"] == KIND and leaks in one["summary"])
        assert "at this pace it reaches its 400 MB in" in leak["summary"]
        assert first.kills == second.kills == 0
        assert {one["kind"] for one in server.incidents()} == {KIND}
