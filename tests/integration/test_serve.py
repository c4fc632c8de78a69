"""`celeriac serve` starts, answers, and leaves cleanly, however it is told to."""

from __future__ import annotations

import signal

import pytest

from celeriac.store import Store
from lab.celery import Worker
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = pytest.mark.redis


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_stop_signal_ends_it_cleanly(number: signal.Signals, code: int) -> None:
    with RedisServer() as redis, Server(redis.url) as server:
        wait_until(lambda: server.get("pulse")["state"] != "lost", 15)
        server.process.send_signal(number)
        assert server.process.wait(timeout=15) == code
        assert "Traceback" not in server.log
        store = Store.open(server.store)
        assert store.watermark() > 0
        store.close()


def test_history_goes_on_over_a_restart() -> None:
    with RedisServer() as redis, Server(redis.url) as server, Worker(redis.url, node="restart@lab") as worker:
        server.know("restart@lab")
        first = server.get("workers")["items"][0]["first_seen"]
        server.term()
        server.start()
        (row,) = server.get("workers")["items"]
        assert (row["pid"], row["first_seen"]) == (worker.pid, first)


def test_every_reading_command_prints_json_that_scripts_can_use() -> None:
    with RedisServer() as redis, Server(redis.url) as server, Worker(redis.url, node="json@lab"):
        server.know("json@lab")
        for command in ("workers", "queues", "tasks", "incidents"):
            told = celeriac(command, "--store", server.store, "--json")
            assert told.code == 0, told.err
            assert {"items", "next", "as_of", "stale", "gaps"} <= told.json.keys()
        status = celeriac("status", "--store", server.store, "--json")
        assert (status.code, status.json["verdict"]) == (0, "healthy")
        task = celeriac("task", "00000000-0000-0000-0000-000000000000", "--store", server.store, "--json")
        assert (task.code, task.json["verdict"]) == (0, "never-seen")
