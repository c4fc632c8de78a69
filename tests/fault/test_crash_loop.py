"""Processes that start, do nothing and die, again and again: each loop is called what it is, on real workers."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]
KIND = "worker-crash-loop"


def node(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:6]}@lab"


def hire(broker: str, name: str, *args: str, inside: bool, conf: dict[str, Any], **env: str) -> Worker:
    given = {**env, **({"LAB_INSTALL": "{}"} if inside else {})}
    queue = (name.partition("-")[0],)
    return Worker(broker, node=name, app="lab.faulty", concurrency=1, queues=queue, conf=conf, args=args, env=given)


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_children_that_are_never_up_in_time(inside: bool, tmp_path: Path) -> None:
    slow, name = tmp_path / "slow", node("up")
    conf, env = {"worker_proc_alive_timeout": 1.0}, {"LAB_INIT_AFTER": str(slow), "LAB_INIT_SECONDS": "20"}
    with (
        RedisServer() as broker,
        Server(broker.url) as server,
        Producer(broker.url) as producer,
        hire(broker.url, name, "--max-tasks-per-child", "1", inside=inside, conf=conf, **env) as worker,
    ):
        server.know(name)
        slow.touch()
        done = producer.send("noop", queue="up")
        wait_until(lambda: server.get(f"tasks/{done}")["verdict"] == "succeeded", 30, why="the last good child")
        incident = server.incident(KIND, timeout=60)
        assert (incident["cause"], incident["subject"]["worker"]) == ("up-timeout", name)
        assert worker.output.count("Timed out waiting for UP message") >= 3
        assert worker.process.poll() is None
        assert {one["kind"] for one in server.incidents("open")} <= {KIND, "queue-unconsumed"}


def test_children_that_fail_as_they_start_and_children_above_their_memory_from_the_start(tmp_path: Path) -> None:
    broken, fails, fat = tmp_path / "broken", node("init"), node("fat")
    env = {"LAB_INIT_AFTER": str(broken), "LAB_INIT_EXIT": "1"}
    with (
        RedisServer() as broker,
        Server(broker.url) as server,
        Producer(broker.url) as producer,
        hire(broker.url, fails, "--max-tasks-per-child", "1", inside=True, conf={}, **env),
        hire(broker.url, fat, "--max-memory-per-child", "8000", inside=True, conf={}) as large,
    ):
        server.know(fails)
        server.know(fat)
        broken.touch()
        producer.send("noop", queue="init")
        tasks = [producer.send("noop", queue="fat") for _ in range(12)]

        def causes() -> dict[str, str]:
            found = [server.get(f"incidents/{one['id']}") for one in server.incidents("open") if one["kind"] == KIND]
            return {one["subject"]["worker"]: one["cause"] for one in found}

        wanted = {fails: "init-error", fat: "max-memory-baseline"}
        wait_until(lambda: causes() == wanted, 60, every=0.3, why=json.dumps(wanted))
        wait_until(lambda: server.get(f"tasks/{tasks[0]}")["verdict"] == "succeeded", 30)
        assert large.process.poll() is None


def test_a_main_process_that_will_not_stay_up_and_one_that_is_restarted_by_hand() -> None:
    dies, stays = node("dies"), node("stays")
    with (
        RedisServer() as broker,
        Server(broker.url) as server,
        hire(broker.url, dies, inside=False, conf={}) as looping,
        hire(broker.url, stays, inside=False, conf={}) as calm,
    ):
        for _ in range(3):
            server.know(dies)
            server.know(stays)
            looping.kill()
            calm.term()
            looping.start()
            calm.start()
        incident = server.incident(KIND, timeout=30)
        assert incident["subject"]["worker"] == dies
        assert "3 times" in incident["summary"]
        named = {one["subject"]["worker"] for one in map(whole(server), server.incidents())}
        assert stays not in named


def whole(server: Server) -> Any:
    return lambda one: server.get(f"incidents/{one['id']}")
