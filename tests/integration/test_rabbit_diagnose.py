"""`celeriac diagnose` where RabbitMQ is the broker: the dead are named, and nothing is claimed that nobody can know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.rabbit import RabbitServer
from lab.rabbit_stage import VirtualHost
from lab.wait import wait_until

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
def host(rabbit: RabbitServer) -> Iterator[VirtualHost]:
    with VirtualHost(rabbit) as host:
        yield host


def diagnose(host: VirtualHost, *, managed: bool, url: str = "") -> tuple[int, dict[str, Any]]:
    """The exit code, and what was said."""
    api = {"CELERIAC_BROKER__MANAGEMENT_URL": host.management_url} if managed else {}
    command = [str(Path(sys.executable).with_name("celeriac")), "diagnose", "--broker", url or host.url, "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **api})
    return answer.returncode, json.loads(answer.stdout)


def queues(host: VirtualHost) -> set[str]:
    return {one["name"] for one in host.api("GET", f"queues/{host.name}")}


def kill_once_watched(host: VirtualHost, worker: Worker, before: set[str]) -> None:
    """Kill it a beat after somebody subscribed to its events: whoever does so has then heard it."""
    wait_until(lambda: queues(host) - before, timeout=30, why="diagnose to listen")
    Event().wait(2.5)
    worker.kill()


@pytest.mark.parametrize("managed", [True, False], ids=["managed", "amqp"])
def test_a_killed_worker_is_named_and_what_is_not_seen_is_unknown(host: VirtualHost, managed: bool) -> None:
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    with Producer(host.url) as producer, Worker(host.url, node=node, concurrency=1) as worker:
        healthy, told = diagnose(host, managed=managed)
        assert (healthy, told["findings"]) == (0, [])
        for _ in range(3):
            producer.send("nap", 60)
        wait_until(lambda: worker.output.count("received") == 3)
        before = queues(host)
        killer = Thread(target=kill_once_watched, args=(host, worker, before))
        killer.start()
        ill, told = diagnose(host, managed=managed)
        killer.join()
    root = next(one for one in told["findings"] if one["kind"] == "worker-lost")
    assert ill == 1
    assert root["subject"]["worker"] == node
    impact = root["impact"]
    assert (impact["lost"], impact["requeued"]) == (None, None)
    assert "lost tasks" in {spot["what"] for spot in root["blind_spots"]}
    assert (impact["held"], impact["waiting"]) == ([], 2), "RabbitMQ gave back what it had not acknowledged"
    assert not [one for one in told["findings"] if one["kind"] in ("task-lost", "task-held")]
    assert not [one for one in root["ruled_out"] if "publishers" in json.dumps(one)], "what came back is not new"
    assert "redis" not in json.dumps(told).lower()


def test_a_broker_that_is_away_is_told_in_its_own_commands(host: VirtualHost) -> None:
    away = host.url.replace(f":{host.server.port}/", ":1/")
    code, told = diagnose(host, managed=False, url=away)
    assert code == 1
    assert told["findings"][0]["kind"] == "broker-unreachable"
    assert told["findings"][0]["cause"] == "down"
    assert "rabbitmq-diagnostics" in json.dumps(told)
    assert "redis" not in json.dumps(told).lower()
