"""A message that a full broker gave to a worker and did not note as given: its worker says that it is lost."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from celeriac.model.event import Event
from celeriac.model.parcel import left_behind
from lab.celery import Producer, Worker
from lab.record import Record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def test_a_worker_that_a_full_broker_ends_tells_what_it_was_given(
    redis: RedisServer, tmp_path: Path, read: Record
) -> None:
    client, env = redis.client(), {"TMPDIR": str(tmp_path)}
    node = f"w-{uuid.uuid4().hex[:12]}@lab"
    with Producer(redis.url) as send, Worker(redis.url, app="lab.recorded", node=node, concurrency=1, env=env) as one:
        read.until(lambda: read.of(node), why="the worker's record")
        one.stop()
        lost = send.send("noop")
        client.config_set("maxmemory", "1mb")
        one.cont()
        wait_until(lambda: one.process.poll() is not None, timeout=60, why="the worker to end")
    assert client.llen("celery") == 0 and client.exists("unacked") == 0
    client.config_set("maxmemory", "0")
    with Worker(redis.url, app="lab.recorded", node=f"other-{node}", concurrency=1, env=env) as other:
        read.until(lambda: _told(read), timeout=60, why="the loss to be told")
        other.term()
    (told,) = {event.id: event for event in _told(read)}.values()
    assert (told.task_id, told.worker, told.data["cause"]) == (lost, node, "in-socket")


def _told(read: Record) -> list[Event]:
    """In its parcels, or by the box it left."""
    boxes = (left_behind(one, time.time()) for one in read.evidence if one.what == "process-gone")
    found = (*read.events, *(event for box in boxes if box is not None for event in box.events))
    return [event for event in found if event.kind == "task-lost"]
