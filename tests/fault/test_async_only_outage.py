"""The incident of the founding story, on real processes: the web is up, the broker is up, exports never arrive.

Two variants that must not be confused: the worker's main process dies at its memory limit (work is lost, nobody
consumes), and a prefork child dies (one task failed, the worker goes on).
"""

from __future__ import annotations

from typing import Any

import pytest
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until
from lab.web import Web

pytestmark = [pytest.mark.redis, pytest.mark.cgroup, pytest.mark.timeout(180)]



def waiting(server: Server) -> int:
    return next((int(one["ready"]) for one in server.get("queues")["items"] if one["name"] == "celery"), 0)


def sources(finding: dict[str, Any]) -> set[str]:
    return {fact["source"] for fact in finding["evidence"]}


def test_a_main_process_killed_by_its_memory_limit_is_named_with_what_it_took() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(150) as group,
        Worker(redis.url, pool="solo", node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid)
        server.know("exports@lab")
        bomb = producer.send("export", 1, 1000)
        with Web(redis.url):
            assert worker.process.wait(timeout=60) == -9
            incident = server.incident("worker-oom-killed", timeout=15)
            assert incident["cause"] == "container"
            assert sources(incident) & {"kernel", "cgroup"}
            assert incident["subject"]["worker"] == "exports@lab"

            wait_until(lambda: waiting(server) > 100, 60, why="the queue to climb")
            incident = wait_until(lambda: _with_unconsumed(server, incident["id"]), 40, why="the queue to be a consequence")
            assert incident["impact"]["lost"] == [bomb]
            assert incident["impact"]["waiting"] > 50
            assert [one["kind"] for one in server.incidents("open")] == ["worker-oom-killed"]

            after = celeriac("diagnose", "--broker", redis.url, "--store", server.store, "--json")
            assert after.code == 1, after.err
            first, *consequences = after.json["findings"]
            assert (first["kind"], first["impact"]["lost"]) == ("worker-oom-killed", [bomb])
            assert {one["caused_by"] for one in consequences} == {first["id"]}
            assert "queue-unconsumed" in {one["kind"] for one in consequences}
            assert "broker" in {one["what"] for one in first["ruled_out"]}

            group.resize(600)
            worker.start()
            group.take(worker.pid)
            wait_until(lambda: waiting(server) < 20, 60, why="the queue to drain")
        server.incident("worker-oom-killed", "resolved", timeout=60)
        healed = celeriac("diagnose", "--broker", redis.url, "--store", server.store, "--json")
        assert (healed.code, healed.json["verdict"]) == (0, "healthy"), healed.out


def _with_unconsumed(server: Server, incident_id: str) -> dict[str, Any] | None:
    incident: dict[str, Any] = server.get(f"incidents/{incident_id}")
    kinds = {one["kind"] for one in incident["findings"]}
    return incident if {"queue-unconsumed", "task-lost"} <= kinds else None


def test_a_child_killed_by_the_memory_limit_is_a_failed_task_on_a_living_worker() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(300) as group,
        Worker(redis.url, pool="prefork", concurrency=2, node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        for pid in (worker.pid, *worker.children):
            group.take(pid)
        server.know("exports@lab")
        bomb = producer.send("export", 1, 2000)
        with Web(redis.url):
            incident = server.incident("worker-oom-killed", timeout=30)
            assert incident["cause"] == "child"
            assert worker.process.poll() is None
            incident = wait_until(lambda: _failed(server, incident["id"], bomb), 20, why="the failed task to be named")
            assert incident["impact"]["lost"] == []
            wait_until(lambda: waiting(server) < 20, 30, why="consumption to go on")
        kinds = {one["kind"] for one in server.incidents()}
        assert kinds == {"worker-oom-killed"}
        assert server.get(f"tasks/{bomb}")["verdict"] == "failed"


def _failed(server: Server, incident_id: str, task_id: str) -> dict[str, Any] | None:
    incident: dict[str, Any] = server.get(f"incidents/{incident_id}")
    return incident if task_id in incident["impact"]["failed"] else None


def test_without_a_store_the_lost_task_is_unknown_and_log_files_name_it() -> None:
    with (
        RedisServer() as redis,
        MemoryLimit(150) as group,
        Worker(redis.url, pool="solo", node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid)
        bomb = producer.send("export", 1, 1000)
        assert worker.process.wait(timeout=60) == -9
        held = [producer.send("noop", n) for n in range(3)]
        assert held

        blind = celeriac("diagnose", "--broker", redis.url, "--no-docker", "--json")
        assert blind.code == 1, blind.err
        first = blind.json["findings"][0]
        assert first["kind"] == "worker-oom-killed", blind.out
        assert first["impact"]["lost"] is None
        assert blind.json["blind_spots"]

        told = celeriac("diagnose", "--broker", redis.url, "--no-docker", "--logs", str(worker.log), "--json")
        assert told.json["findings"][0]["kind"] == "worker-oom-killed", told.out
        assert told.json["findings"][0]["impact"]["lost"] == [bomb], told.out
