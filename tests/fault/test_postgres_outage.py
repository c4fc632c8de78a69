"""PostgreSQL under a running server: a worker's death told from it, and an outage under load that loses nothing."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid

import pytest

from celeriac.store import Store
from lab.celery import Producer, Worker
from lab.postgres import PostgresServer
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.traffic import Traffic
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.timeout(180)]
OUTAGE = 5.0


def recorded(broker: str) -> Worker:
    """A worker with a recorder inside."""
    return Worker(broker, node=f"w-{uuid.uuid4().hex[:8]}@lab", app="lab.recorded", env={"LAB_INSTALL": "{}"})


def test_a_killed_worker_is_an_incident_and_every_command_reads_it() -> None:
    with (
        PostgresServer() as postgres,
        RedisServer() as redis,
        Server(redis.url, store=postgres.url()) as server,
        recorded(redis.url) as worker,
        Producer(redis.url) as producer,
    ):
        server.know(worker.node)
        done = producer.send("noop")
        wait_until(lambda: server.get(f"tasks/{done}")["verdict"] == "succeeded", timeout=30, why="a task to be told")
        held = producer.send("late", 60)
        wait_until(lambda: server.get(f"tasks/{held}")["verdict"] == "running", timeout=30, why="the task to run")
        worker.kill()
        incident = server.incident("worker-lost")
        assert incident["findings"][0]["subject"]["worker"] == worker.node
        wait_until(lambda: server.get(f"tasks/{held}")["verdict"] == "held", timeout=30, why="it to be held")

        at = ("--store", server.store)
        assert celeriac("status", *at).code == 1
        assert celeriac("task", done, *at, "--json").json["verdict"] == "succeeded"
        assert {one["id"] for one in celeriac("tasks", *at, "--json").json["items"]} == {done, held}
        assert celeriac("incidents", *at, "--json").json["items"][0]["kind"] == "worker-lost"
        told = celeriac("diagnose", "--broker", redis.url, "--for", "1", *at, "--json")
        assert (told.code, told.err) == (1, "")
        rescued = celeriac("rescue", "--yes", "--broker", redis.url, *at, "--json", timeout=90)
        assert [one["outcome"] for one in rescued.json["tasks"]] == ["restored"], rescued
        assert redis.client().llen("celery") == 1
        assert "Traceback" not in server.log


def test_a_server_killed_for_seconds_under_load_loses_nothing_and_says_so_meanwhile() -> None:
    with (
        PostgresServer() as postgres,
        RedisServer() as redis,
        Server(redis.url, store=postgres.url()) as server,
        recorded(redis.url) as worker,
    ):
        server.know(worker.node)
        with Traffic(redis.url, 40.0) as traffic:
            wait_until(lambda: _succeeded(server) > 20, timeout=30, why="tasks to be told")
            postgres.kill()
            down = time.monotonic()
            told = celeriac("status", "--store", server.store)
            assert (told.code, told.out, told.err.count("\n")) == (3, "", 1)
            assert "cannot be reached" in told.err
            code, ready = _ready(server)
            assert code == 503
            assert "cannot be reached" in json.dumps(ready)
            time.sleep(max(0.0, OUTAGE - (time.monotonic() - down)))
            postgres.start()
            wait_until(lambda: _ready(server)[0] == 200, timeout=60, every=0.5, why="the server to be ready again")
            sent = traffic.stop()
        wait_until(lambda: _succeeded(server) >= sent, timeout=60, every=0.5, why="every task to be on record")
        assert server.process.poll() is None

        store = Store.open(server.store)
        try:
            found = store.find_task_ids(traffic.sent)
            assert found.keys() == set(traffic.sent)
            assert {row.state for row in found.values()} == {"succeeded"}
            assert store.gaps(0.0) == ()
            assert store.balance()[0].holds is not False
        finally:
            store.close()
        assert "Traceback" not in server.log


def _succeeded(server: Server) -> int:
    return int(server.get("tasks?limit=1")["counts"].get("succeeded", 0))


def _ready(server: Server) -> tuple[int, object]:
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=15) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
