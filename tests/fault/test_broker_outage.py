"""The broker goes away under a live worker: it is named with its cause, and nobody else is blamed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

OUTAGE = 8.0
BLAMED = {"worker-lost", "worker-silent", "worker-oom-killed", "task-lost", "queue-unconsumed"}
PRESENT = ("live", "idle", "gap")


def test_a_broker_that_stops_is_named_and_nobody_else_is_blamed(tmp_path: Path) -> None:
    node = "outage-stop@lab"
    with _working(node, tmp_path) as (redis, server, tasks):
        stopped = time.time()
        redis.stop()
        incident = server.incident("broker-unreachable", timeout=8)
        assert incident["cause"] == "down"
        assert _opened(server, incident["id"]) - stopped <= 5.0
        _untrusted(server, stopped + OUTAGE)
        redis.start()
        _over(server, tasks)


def test_a_frozen_broker_is_a_network_fault_and_hangs_nothing(tmp_path: Path) -> None:
    node = "outage-freeze@lab"
    with _working(node, tmp_path) as (redis, server, tasks):
        stopped = time.time()
        redis.pause()
        try:
            incident = server.incident("broker-unreachable", timeout=8)
            assert incident["cause"] == "network"
            began = time.monotonic()
            looked = celeriac("diagnose", "--broker", redis.url, "--json", "--for", "1")
            assert time.monotonic() - began < 60
            assert (looked.code, looked.err) == (1, "")
            assert [one["kind"] for one in looked.json["findings"]] == ["broker-unreachable"]
            _untrusted(server, stopped + OUTAGE)
        finally:
            redis.resume()
        _over(server, tasks)


@contextmanager
def _working(node: str, folder: Path) -> Iterator[tuple[RedisServer, Server, list[str]]]:
    """A broker that keeps what it has, a worker in the middle of two tasks, and a server.

    No task waits in the worker: kombu 5.7 then ends the whole worker when the connection breaks, and a dead worker
    is no false alarm.
    """
    with (
        RedisServer("--appendonly", "yes") as redis,
        Worker(redis.url, node=node) as worker,
        Server(redis.url, "--config", _asking_often(folder)) as server,
    ):
        server.know(node)
        with Producer(redis.url) as producer:
            tasks = [producer.send("nap", OUTAGE / 2) for _ in range(2)]
        wait_until(lambda: _verdict(server, tasks[0]) == "running", 20, why="the first task to run")
        yield redis, server, tasks
        assert worker.process.poll() is None
        assert server.process.poll() is None
        assert "Traceback" not in server.log


def _asking_often(folder: Path) -> str:
    """Ends that were not heard are found out when the worker is asked: then, not in half a minute."""
    file = folder / "celeriac.toml"
    file.write_text("[broker]\nask_interval = 4\n", encoding="utf-8")
    return str(file)


def _untrusted(server: Server, until: float) -> None:
    """The dashboard never passes what it last saw for the present, and answers at once."""
    while time.time() < until:
        began = time.monotonic()
        pulse = server.get("pulse")
        assert time.monotonic() - began < 2
        assert pulse["state"] not in PRESENT, pulse
        assert {one["name"]: one["state"] for one in pulse["sources"]}["broker"] == "failing"
        workers = server.get("workers")["items"]
        assert [one["state"] for one in workers] == ["unknown"], workers
        time.sleep(0.3)


def _over(server: Server, tasks: list[str]) -> None:
    """It resolves, work goes on, and nobody was blamed at any time."""
    server.incident("broker-unreachable", "resolved", timeout=40)
    wait_until(lambda: server.get("pulse")["state"] in PRESENT, 20, every=0.2, why="the dashboard to be live again")
    wait_until(lambda: server.get("workers")["items"][0]["state"] == "alive", 20, every=0.2, why="the worker's word")
    ended = {"succeeded", "unknown"}
    wait_until(
        lambda: {_verdict(server, one) for one in tasks} <= ended, 30, every=0.3, why="none to be called running"
    )
    assert {one["kind"] for one in server.incidents()} & BLAMED == set()


def _opened(server: Server, incident_id: str) -> float:
    detail: dict[str, Any] = server.get(f"incidents/{incident_id}")
    return datetime.fromisoformat(detail["opened_at"]).timestamp()


def _verdict(server: Server, task_id: str) -> str:
    try:
        return str(server.get(f"tasks/{task_id}")["verdict"])
    except OSError:
        return "never-seen"
