"""The record's broker away under load: tasks go on, memory is bounded, and what was dropped is known to the item."""

from __future__ import annotations

import json
import os
import time
from uuid import uuid4

import pytest

from bench.process import MB, memory
from lab.celery import Producer, Worker
from lab.record import record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(1200)]

AWAY = float(os.environ.get("RECORDER_OUTAGE", "10"))
BUFFER = 500
ROOM = 16
"""Megabytes that the worker's main process may grow: its buffer, and what any worker's allocator keeps."""


def test_an_outage_costs_no_task_and_little_memory_and_its_holes_are_counted() -> None:
    node = f"w-{uuid4().hex[:8]}@lab"
    with RedisServer() as broker, RedisServer() as away:
        install = {"LAB_INSTALL": json.dumps({"transport": away.url, "buffer_max": BUFFER})}
        with (
            Worker(broker.url, app="lab.recorded", node=node, events=False, env=install) as worker,
            Producer(broker.url) as producer,
            record(away.url) as told,
        ):
            producer.send("noop")
            told.until(lambda: [one for one in told.events if one.kind == "task-succeeded"])
            away.kill()
            _work(producer, broker, seconds=AWAY / 5)
            before = memory(worker.pid).rss
            _work(producer, broker, seconds=AWAY)
            assert memory(worker.pid).rss - before < ROOM * MB
            away.start()
            told.until(lambda: told.of(node)[-1].dropped > 0, why="the recorder to say what it dropped")
            worker.term()
            told.until(lambda: told.closed(node))
            missing = sum(len(numbers) for numbers in told.holes(node).values())
            assert missing == told.of(node)[-1].dropped > BUFFER


def _work(producer: Producer, broker: RedisServer, seconds: float) -> None:
    """Tasks in bursts for `seconds`, and at least twice the buffer; each burst is finished before the next."""
    client = broker.client()
    ends = time.monotonic() + seconds
    for burst in range(10_000):
        for _ in range(100):
            producer.send("noop")
        wait_until(lambda: not client.llen("celery"), timeout=60, why="the worker to go on")
        if time.monotonic() > ends and burst >= 2 * BUFFER // 300:
            return
