"""How a worker can end or seem to, and what each must and must not be called."""

from __future__ import annotations

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


def running(server: Server, task_id: str) -> None:
    wait_until(lambda: server.get(f"tasks/{task_id}")["verdict"] == "running", 30, why=f"{task_id} to run")


def test_sigkill_from_outside_is_a_lost_worker_and_no_memory_kill() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url) as worker,
        Producer(redis.url) as producer,
    ):
        server.know("w1@lab")
        tasks = [producer.send("nap", 60) for _ in range(6)]
        running(server, tasks[0])
        running(server, tasks[1])
        worker.kill()
        incident = server.incident("worker-lost", timeout=15)
        incident = wait_until(lambda: _settled(server, incident["id"]), 30, why="lost and held tasks to be named")
        assert sorted(incident["impact"]["lost"]) == sorted(tasks[:2])
        assert sorted(incident["impact"]["held"]) == sorted(tasks[2:])
        assert incident["impact"]["held_until"] is not None
        assert server.get(f"tasks/{tasks[0]}")["verdict"] == "lost"
        assert server.get(f"tasks/{tasks[5]}")["verdict"] == "held"
        assert {one["kind"] for one in server.incidents("open")} == {"worker-lost"}

        assert celeriac("incident", incident["id"], "ack", "--store", server.store).code == 0
        assert server.incident("worker-lost", "acknowledged", timeout=10)["id"] == incident["id"]


def _settled(server: Server, incident_id: str) -> dict | None:  # type: ignore[type-arg]
    incident: dict = server.get(f"incidents/{incident_id}")  # type: ignore[type-arg]
    impact = incident["impact"]
    return incident if impact["lost"] and impact["held"] else None


def test_sigterm_is_a_planned_stop_and_no_incident() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url) as worker,
        Producer(redis.url) as producer,
    ):
        server.know("w1@lab")
        done = producer.send("noop")
        wait_until(lambda: server.get(f"tasks/{done}")["verdict"] == "succeeded", 30)
        worker.term()
        wait_until(lambda: server.get("workers")["items"][0]["state"] == "stopped", 30, why="the goodbye to be heard")
        looked = celeriac("diagnose", "--broker", redis.url, "--store", server.store, "--json", "--for", "10")
        assert looked.json["findings"] == []
        assert server.incidents() == []


def test_a_frozen_worker_is_silent_not_dead_and_recovers() -> None:
    with RedisServer() as redis, Server(redis.url) as server, Worker(redis.url) as worker:
        server.know("w1@lab")
        worker.stop()
        try:
            incident = server.incident("worker-silent", timeout=25)
            assert incident["cause"] == "frozen"
            assert "process" in {fact["source"] for fact in incident["evidence"]}
        finally:
            worker.cont()
        server.incident("worker-silent", "resolved", timeout=40)
        assert {one["kind"] for one in server.incidents()} == {"worker-silent"}


def test_a_frozen_workers_tasks_are_unknown_everywhere_until_it_goes_on() -> None:
    with RedisServer() as redis, Server(redis.url) as server, Worker(redis.url) as worker, Producer(redis.url) as made:
        server.know("w1@lab")
        task_id = made.send("nap", 60)

        def told() -> set[str]:
            rows = server.get(f"tasks?q={task_id}")["items"]
            return {server.get(f"tasks/{task_id}")["verdict"], *(row["verdict"] for row in rows)}

        wait_until(lambda: told() == {"running"}, 30, why="the task to run")
        worker.stop()
        try:
            wait_until(lambda: "unknown" in told(), 30, why="it to be in doubt")
            wait_until(lambda: told() == {"unknown"}, 5, why="both to say so")
            assert "frozen" in server.get(f"tasks/{task_id}")["because"]
        finally:
            worker.cont()
        wait_until(lambda: told() == {"running"}, 30, why="it to be known again")


def test_a_busy_solo_worker_that_cannot_heartbeat_is_calm() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, pool="solo") as worker,
        Producer(redis.url) as producer,
    ):
        server.know("w1@lab")
        wait_until(lambda: server.get("workers")["items"][0]["pool"] == "solo", 40, why="the worker to be asked")
        long = producer.send("nap", 20)
        waiting = producer.send("noop")
        wait_until(
            lambda: server.get(f"tasks/{long}")["verdict"] == "succeeded", 60, every=0.5, why="the long task to end"
        )
        wait_until(lambda: server.get(f"tasks/{waiting}")["verdict"] == "succeeded", 30, why="the next one to end")
        assert server.incidents() == []
        assert worker.process.poll() is None


def test_a_busy_prefork_worker_with_a_deep_queue_is_calm() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url) as worker,
        Producer(redis.url) as producer,
    ):
        server.know("w1@lab")
        tasks = [producer.send("nap", 0.5) for _ in range(60)]
        wait_until(lambda: server.get(f"tasks/{tasks[-1]}")["verdict"] == "succeeded", 90, every=0.5, why="all to end")
        assert server.incidents() == []
        assert worker.process.poll() is None
