"""A task that kills whatever runs it is named at its second death, from outside and inside, and can be contained."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]


def poison(server: Server, task_id: str) -> dict[str, Any] | None:
    """The incident of that task."""
    for one in server.incidents("open"):
        detail: dict[str, Any] = server.get(f"incidents/{one['id']}")
        if detail["kind"] == "poison-task" and detail["subject"]["task_id"] == task_id:
            return detail
    return None


def hire(broker: RedisServer, install: dict[str, Any] | None, **options: Any) -> Worker:
    """A worker with one child."""
    env = {} if install is None else {"LAB_INSTALL": json.dumps(install)}
    app = "lab.poisonous" if install is not None else "lab.poisonous_alone"
    return Worker(broker.url, node=f"w-{uuid.uuid4().hex[:8]}@lab", app=app, concurrency=1, env=env, **options)


def test_it_is_named_and_set_aside_and_the_worker_serves_on() -> None:
    with (
        RedisServer() as broker,
        Server(broker.url) as server,
        Producer(broker.url) as producer,
        hire(broker, {"poison": "park"}) as worker,
    ):
        server.know(worker.node)
        task_id = producer.send("crash")
        found = wait_until(lambda: poison(server, task_id), 60, why="the incident")
        assert (found["cause"], found["confidence"]) == ("segfault", "certain")
        wait_until(lambda: server.get(f"tasks/{task_id}")["verdict"] == "dead", 60, why="the task to be dead")
        wait_until(lambda: "set aside" in (poison(server, task_id) or {}).get("summary", ""), 30)
        wait_until(lambda: not broker.client().hlen("celeriac:parked"), 30, why="the server to take it in")
        other = producer.send("noop")
        wait_until(lambda: server.get(f"tasks/{other}")["verdict"] == "succeeded", 30)
        kinds = {one["kind"] for one in server.incidents("open")}
        assert kinds == {"poison-task"}


def test_a_worker_that_runs_over_and_over_without_the_guard_is_seen_from_outside() -> None:
    with (
        RedisServer() as broker,
        Server(broker.url) as server,
        Producer(broker.url) as producer,
        hire(broker, None) as worker,
    ):
        server.know(worker.node)
        task_id = producer.send("crash")
        found = wait_until(lambda: poison(server, task_id), 60, why="the incident")
        assert (found["severity"], found["confidence"]) == ("critical", "likely")
        assert found["impact"]["requeued"] == [task_id]


def test_workers_that_a_deploy_stops_are_nobodys_poison() -> None:
    with RedisServer() as broker, Server(broker.url) as server, Producer(broker.url) as producer:
        task_id = producer.send("slow", 4)
        for _ in range(2):
            with hire(broker, {"poison": "park", "poison_limit": 1}) as worker:
                server.know(worker.node)
                worker.term()
        wait_until(lambda: server.get(f"tasks/{task_id}")["verdict"] == "succeeded", 60)
        assert poison(server, task_id) is None
