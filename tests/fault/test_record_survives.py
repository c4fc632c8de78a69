"""The record inside, end to end: a real worker, a real broker, a real server, and each of them away for a while."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import ExitStack, closing
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

STORY = ["received", "started", "succeeded"]


def recorded(broker: str, **options: Any) -> Worker:
    """A worker with `celeriac.install(app, **options)`."""
    name = f"w-{uuid.uuid4().hex[:8]}@lab"
    return Worker(broker, node=name, app="lab.recorded", env={"LAB_INSTALL": json.dumps(options)})


def ended(server: Server, ids: list[str]) -> bool:
    counts = server.get("tasks?limit=1")["counts"]
    return int(counts.get("succeeded", 0)) >= len(ids)


def test_a_server_restarted_under_load_has_every_task_once_and_no_hole() -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(RedisServer())
        producer = stack.enter_context(Producer(broker.url))
        worker = stack.enter_context(recorded(broker.url))
        with Server(broker.url) as server:
            server.know(worker.node)
            ids = [producer.send("noop", number) for number in range(50)]
            wait_until(lambda: ended(server, ids), timeout=30, why="the first tasks to be on record")
            server.kill()
            ids += [producer.send("noop", number) for number in range(200)]
            wait_until(lambda: broker.client().llen("celery") == 0, timeout=30, why="the worker to take them")
            server.start()
            wait_until(lambda: ended(server, ids), timeout=30, why="every task to be on record")
            server.kill()
            server.start()
            wait_until(lambda: ended(server, ids), timeout=30, why="the store to be read again")

            for task_id in ids[::10]:
                found = server.get(f"tasks/{task_id}")
                assert [one["what"] for one in found["timeline"] if one["source"] == "record"] == STORY
                assert len(found["attempts"]) == 1, "Celery's own events tell the same run, not another"
                assert found["attempts"][0]["child"] in worker.children
                assert found["where"]["pid"] in worker.children
            row = next(one for one in server.get("workers")["items"] if one["node"] == worker.node)
            assert row["recorded"] is True
            counted = server.get("tasks?limit=1")["counts"]
            assert counted == {"succeeded": len(ids)}
            assert [one for one in server.incidents() if one["kind"] == "monitor-gap"] == []
            assert server.get("overview")["freshness"]["gaps"] == []


def test_what_a_small_buffer_drops_while_its_transport_is_away_is_the_hole_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RedisServer() as broker, RedisServer() as carrier, Producer(broker.url) as producer:
        monkeypatch.setenv("CELERIAC_TRANSPORT__URL", carrier.url)
        worker = recorded(broker.url, transport=carrier.url, buffer_max=100, memory_interval=0)
        with Server(broker.url) as server, worker:
            first = producer.send("noop")
            wait_until(lambda: server.get(f"tasks/{first}")["verdict"] == "succeeded", timeout=30)
            carrier.stop()
            for _ in range(200):
                producer.send("noop")
            wait_until(lambda: worker.output.count("succeeded in") > 200, timeout=30, why="it to work on")
            carrier.start()
            wait_until(lambda: sizes(server), timeout=60, every=0.2, why="the hole to be found")
            worker.term()
            wait_until(lambda: said_goodbye(server, worker.node), timeout=30, why="its last word")

            incident = server.incident("monitor-gap", "open", "resolved", timeout=30)
            assert f"events of {worker.node} missing" in incident["findings"][0]["summary"]
            assert "its buffer was full" in incident["findings"][0]["summary"]
            wait_until(lambda: sum(sizes(server)) == missing(server, worker.node), timeout=10)
            assert sum(sizes(server)) > 300


def sizes(server: Server) -> list[int]:
    """Of the holes that a full buffer left."""
    gaps = server.get("overview")["freshness"]["gaps"]
    return [one["size"] for one in gaps if (one["source"], one["cause"]) == ("record", "buffer-full")]


def said_goodbye(server: Server, name: str) -> bool:
    return any(one["node"] == name and one["state"] == "stopped" for one in server.get("workers")["items"])


def missing(server: Server, name: str) -> int:
    """Numbers that the worker gave and that stand nowhere in the store, neither as events nor as facts of its own."""
    with closing(sqlite3.connect(server.path)) as store:
        rows = store.execute("SELECT id FROM events WHERE source = 'record' AND worker = ?", (name,)).fetchall()
        bodies = store.execute("SELECT body, level FROM evidence").fetchall()
    told = [level for body, level in bodies if json.loads(body)["source"] == "worker"]
    assert not any(told), "with the memory recorder off no fact is told twice"
    numbers = [int(row[0].partition(":")[2]) for row in rows]
    return max(numbers) - len(numbers) - len(told)
