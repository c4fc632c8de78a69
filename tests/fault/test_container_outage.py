"""The founding story in containers, on a real Docker engine: web and Redis up, the worker's container killed by its
memory limit; and the ends of a container that must not be taken for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from socket import gethostname
from typing import Any

import pytest
import redis

from lab.celery import Producer
from lab.docker import DockerEngine, engine
from lab.need import need
from lab.port import free_port
from lab.server import Outcome, Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.redis, pytest.mark.timeout(180)]

WEB = """
import itertools, sys, time
from lab.celery import Producer
with Producer(sys.argv[1]) as producer:
    for number in itertools.count():
        producer.send("noop", number)
        time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def docker_engine() -> Iterator[DockerEngine]:
    with engine() as running:
        yield running


@dataclass
class Stage:
    """Redis in a container, a client of it, and what else a test puts beside it."""

    engine: DockerEngine
    port: int

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def node(self) -> str:
        """A node name no other test has: containers share the host's name here."""
        return f"boxed-{self.port}@%h"

    def worker(self, *args: str, pool: str = "solo", megabytes: int | None = 96, **env: str) -> Any:
        """The worker's container, ready."""
        command = [sys.executable, "-m", "celery", "-A", "lab.app", "worker", "-l", "INFO", "-P", pool, "-c", "1"]
        told = {"LAB_BROKER": self.url, **env}
        box = self.engine.run([*command, "-n", self.node, *args], name="worker", megabytes=megabytes, env=told)
        wait_until(lambda: b" ready." in box.logs(), timeout=60, why="the worker in its container")
        return box

    def web(self) -> Any:
        """A container that publishes small tasks for ever."""
        return self.engine.run([sys.executable, "-c", WEB, self.url], name="web")

    def send(self, task: str, *args: object) -> str:
        with Producer(self.url) as producer:
            return producer.send(task, *args)

    def waiting(self) -> int:
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            return int(client.llen("celery"))

    def diagnose(self, *args: str) -> Outcome:
        return celeriac("diagnose", "--broker", self.url, "--docker", "--json", *args)


@pytest.fixture
def stage(docker_engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.address)
    port = free_port()
    try:
        docker_engine.run(
            [need("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""], name="redis"
        )
        found = Stage(docker_engine, port)
        wait_until(lambda: _answers(found), timeout=20, why="Redis in its container")
        yield found
    finally:
        docker_engine.clear()


def _answers(stage: Stage) -> bool:
    try:
        with redis.Redis(port=stage.port, socket_timeout=1) as probe:
            return bool(probe.ping())
    except redis.ConnectionError:
        return False


def test_the_seed_the_worker_container_is_named_its_fix_is_run_and_the_queue_drains(stage: Stage) -> None:
    box = stage.worker()
    web = stage.web()
    bomb = stage.send("export", 1, 300)
    assert box.wait(timeout=60)["StatusCode"] == 137
    box.reload()
    assert box.attrs["State"]["OOMKilled"] is True
    wait_until(lambda: stage.waiting() > 20, 30, why="the queue to climb")

    looked = stage.diagnose()
    assert looked.code == 1, looked.err
    first, *consequences = looked.json["findings"]
    assert (first["kind"], first["cause"], first["confidence"]) == ("worker-oom-killed", "container", "certain")
    assert first["subject"]["container"] == "worker"
    assert {"docker", "kernel"} <= {fact["source"] for fact in first["evidence"]}
    assert "OOMKilled true, memory limit 96 MB" in " ".join(fact["fact"] for fact in first["evidence"])
    assert {"broker", "web / publishers"} <= {one["what"] for one in first["ruled_out"]}
    assert first["impact"]["lost"] == [], "its own log names every task it took, and all of them are held"
    assert bomb in first["impact"]["held"]
    assert first["impact"]["waiting"] > 20
    assert {"queue-unconsumed", "task-held"} <= {one["kind"] for one in consequences}
    assert {one["caused_by"] for one in consequences} == {first["id"]}

    fix = first["fix"][0]["command"]
    assert fix == "docker update --memory 512m --memory-swap 512m worker && docker start worker"
    before = box.logs().count(b" ready.")
    subprocess.run(["sh", "-c", fix], check=True, capture_output=True, timeout=30)
    wait_until(lambda: box.logs().count(b" ready.") > before, 60, why="the worker to be back")
    wait_until(lambda: stage.waiting() < 10, 30, why="the queue to drain")
    healed = stage.diagnose()
    assert (healed.code, healed.json["verdict"]) == (0, "healthy"), healed.out
    web.reload()
    assert web.status == "running"


def test_a_killed_child_in_a_container_is_told_though_docker_says_false_and_running(stage: Stage) -> None:
    box = stage.worker(pool="prefork")
    bomb = stage.send("export", 1, 300)
    wait_until(lambda: b"WorkerLostError" in box.logs(), 60, why="the task to fail")
    after = stage.send("noop")
    wait_until(lambda: f"[{after}] succeeded".encode() in box.logs(), 30, why="the next task to succeed")

    looked = stage.diagnose()
    assert looked.code == 1, looked.err
    (finding,) = looked.json["findings"]
    assert (finding["kind"], finding["cause"]) == ("worker-oom-killed", "child")
    assert finding["subject"]["container"] == "worker"
    assert finding["impact"]["failed"] == [bomb]
    assert finding["impact"]["lost"] == []
    (flag,) = [fact["fact"] for fact in finding["evidence"] if fact["source"] == "docker"]
    assert flag.startswith("container worker is running, OOMKilled false, memory limit 96 MB")
    assert "main process" in {one["what"] for one in finding["ruled_out"]}
    box.reload()
    assert (box.attrs["State"]["OOMKilled"], box.attrs["State"]["ExitCode"], box.status) == (False, 0, "running")
    assert stage.waiting() == 0


def test_a_container_killed_by_hand_is_lost_not_out_of_memory_and_its_log_names_what_ran(stage: Stage) -> None:
    box = stage.worker(pool="prefork", megabytes=None, TZ="LAB-9")
    running = stage.send("nap", 600)
    wait_until(lambda: running.encode() in box.logs(), 30, why="the task to be received")
    held = [stage.send("nap", 600) for _ in range(2)]
    wait_until(lambda: all(one.encode() in box.logs() for one in held), 30, why="two more to be prefetched")
    box.kill()
    box.wait(timeout=30)

    looked = stage.diagnose()
    assert looked.code == 1, looked.err
    first, *consequences = looked.json["findings"]
    assert (first["kind"], first["cause"]) == ("worker-lost", "sigkill")
    assert "OOMKilled false" in " ".join(fact["fact"] for fact in first["evidence"])
    assert first["impact"]["lost"] == [running]
    assert sorted(first["impact"]["held"]) == sorted(held)
    assert first["fix"][0]["command"] == "docker start worker"
    assert {one["kind"] for one in consequences} == {"task-held", "task-lost"}
    (lost,) = [one for one in consequences if one["kind"] == "task-lost"]
    assert (lost["evidence"][0]["source"], lost["impact"]["lost"]) == ("log", [running])
    took = datetime.fromisoformat(lost["evidence"][0]["at"]).timestamp()
    assert abs(time.time() - took) < 120, "its clock is nine hours ahead, and the log does not say so"


def test_a_container_stopped_as_it_should_be_is_no_incident(stage: Stage) -> None:
    box = stage.worker()
    done = stage.send("noop")
    wait_until(lambda: f"[{done}] succeeded".encode() in box.logs(), 30, why="its work to be done")
    box.stop(timeout=30)
    assert box.wait(timeout=30)["StatusCode"] in (0, 143)
    looked = stage.diagnose()
    assert (looked.code, looked.json["findings"]) == (0, []), looked.out


def test_a_server_that_watches_opens_within_seconds_and_resolves_after_the_start(stage: Stage) -> None:
    with Server(stage.url) as server:
        box = stage.worker("-E")
        server.know(stage.node.replace("%h", gethostname()), timeout=60)
        stage.web()
        bomb = stage.send("export", 1, 300)
        box.wait(timeout=60)
        incident = server.incident("worker-oom-killed", timeout=6)
        assert (incident["cause"], incident["subject"]["container"]) == ("container", "worker")

        def told() -> bool:
            return bomb in (server.get(f"incidents/{incident['id']}")["impact"]["held"] or ())

        wait_until(told, 20, why="the held task to be named")
        assert "docker" in {fact["source"] for fact in server.get(f"incidents/{incident['id']}")["evidence"]}
        box.update(mem_limit="512m", memswap_limit="512m")
        box.start()
        server.incident("worker-oom-killed", "resolved", timeout=60)
        rest = [one for one in server.incidents() if one["kind"] != "worker-oom-killed"]
        assert {(one["kind"], one["severity"]) for one in rest} <= {("task-held", "info")}, "held for an hour still"
