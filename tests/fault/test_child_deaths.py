"""Pool children that die of something: each is called what it was, from outside and with a recorder inside."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]
LOST, OOM = "worker-child-lost", "worker-oom-killed"


@dataclass
class House:
    """A broker, a server, and workers with a queue of their own each."""

    broker: RedisServer
    server: Server
    producer: Producer
    inside: bool
    stack: ExitStack

    def hire(self, what: str) -> Worker:
        """A worker with one child."""
        node, env = f"{what}-{uuid.uuid4().hex[:6]}@lab", {"LAB_INSTALL": "{}"} if self.inside else {}
        worker = Worker(self.broker.url, node=node, app="lab.faulty", concurrency=1, queues=(what,), env=env)
        return self.stack.enter_context(worker)

    def send(self, worker: Worker, task: str, *args: object, **options: Any) -> str:
        """A task for that worker."""
        return self.producer.send(task, *args, queue=worker.node.partition("-")[0], **options)

    def runs(self, task: str) -> None:
        """Wait until the task runs."""
        wait_until(lambda: self.server.get(f"tasks/{task}")["verdict"] == "running", 30, why=f"{task} to run")

    def incident(self, worker: Worker) -> dict[str, Any] | None:
        """The worker's incident as it is now."""
        for one in self.server.incidents("open"):
            detail: dict[str, Any] = self.server.get(f"incidents/{one['id']}")
            if detail["subject"]["worker"] == worker.node:
                return detail
        return None

    def told(self, worker: Worker, kind: str, cause: str, **impact: list[str]) -> dict[str, Any]:
        """Wait until its incident says this."""

        def says() -> dict[str, Any] | None:
            found = self.incident(worker)
            if found is None or (found["kind"], found["cause"]) != (kind, cause):
                return None
            return found if all(found["impact"][name] == ids for name, ids in impact.items()) else None

        try:
            return wait_until(says, 30, every=0.2) or {}
        except AssertionError:
            raise AssertionError(f"wanted {kind} / {cause} {impact}, got {self.incident(worker)}") from None


@pytest.fixture(params=[False, True], ids=["outside", "inside"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with ExitStack() as stack:
        broker = stack.enter_context(RedisServer())
        server = stack.enter_context(Server(broker.url))
        producer = stack.enter_context(Producer(broker.url))
        yield House(broker, server, producer, request.param, stack)


def test_each_death_is_called_what_it_was(house: House, tmp_path: Path) -> None:
    crashes, limits, stops, leaves = house.hire("crash"), house.hire("limit"), house.hire("stop"), house.hire("leave")
    again, killed, recycled = house.hire("again"), house.hire("kill"), house.hire("calm")
    for worker in (crashes, limits, stops, leaves, again, killed, recycled):
        house.server.know(worker.node)

    crashed = house.send(crashes, "crash")
    limited = house.send(limits, "nap", 60, time_limit=1)
    stopped = house.send(stops, "nap", 60)
    left = house.send(leaves, "leave", 3)
    requeued = house.send(again, "abort_late", str(tmp_path / "flag"))
    held = house.send(killed, "nap", 60)
    house.runs(stopped)
    house.producer.app.control.revoke(stopped, terminate=True)
    house.runs(held)
    os.kill(killed.children[0], signal.SIGKILL)

    house.told(crashes, LOST, "segfault", failed=[crashed])
    house.told(limits, LOST, "hard-time-limit", failed=[limited])
    assert house.told(stops, LOST, "operator", failed=[])["severity"] == "info"
    house.told(leaves, LOST, "exit", failed=[left])
    if house.inside:  # a task that runs again and ends well leaves nothing behind that could be seen from outside
        house.told(again, LOST, "signal", requeued=[requeued], failed=[])
    house.told(killed, LOST, "signal", failed=[held])
    assert house.incident(recycled) is None
    assert {one["kind"] for one in house.server.incidents()} == {LOST}


@pytest.mark.cgroup
def test_a_child_killed_for_memory_is_named_with_its_task(house: House) -> None:
    with MemoryLimit(200) as group, house.stack:
        eats = house.hire("eat")
        group.take(eats.pid, *eats.children)
        house.server.know(eats.node)
        task = house.send(eats, "export", 1, 400)
        incident = house.told(eats, OOM, "child", failed=[task])
        wait_until(lambda: "200 MB" in (house.incident(eats) or incident)["summary"], 20, why="the limit to be named")
        assert group.kills >= 1
        if house.inside:
            assert "worker" in {fact["source"] for fact in incident["evidence"]}
        assert eats.process.poll() is None
        after = house.send(eats, "noop")
        wait_until(lambda: house.server.get(f"tasks/{after}")["verdict"] == "succeeded", 30)


def test_children_that_are_replaced_on_purpose_are_nobodys_loss() -> None:
    with RedisServer() as broker, Server(broker.url) as server, Producer(broker.url) as producer:
        node = f"calm-{uuid.uuid4().hex[:6]}@lab"
        with Worker(broker.url, node=node, app="lab.faulty", args=("--max-tasks-per-child", "1")) as worker:
            server.know(node)
            tasks = [producer.send("nap", 0.1) for _ in range(8)]
            wait_until(lambda: all(server.get(f"tasks/{one}")["verdict"] == "succeeded" for one in tasks), 60)
            assert server.incidents() == []
            worker.term()
        assert [one for one in server.incidents() if one["kind"] != "queue-unconsumed"] == []
