"""A pool that forks for each task, under load: no child hangs on a lock that was held when it was forked."""

from __future__ import annotations

import os
import uuid

import pytest

from lab.celery import Producer, Worker
from lab.record import record
from lab.redis import RedisServer

pytestmark = pytest.mark.redis

FORKS = int(os.environ.get("RECORDER_FORKS", "100"))
DONE = ["received", "started", "succeeded"]


@pytest.mark.timeout(120 + FORKS)
def test_no_child_hangs_after_its_fork() -> None:
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    env = {"LAB_INSTALL": '{"heartbeat": 0.1, "memory_interval": 0.1}'}
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with Worker(redis.url, node=node, app="lab.recorded", args=("--max-tasks-per-child", "1"), env=env) as worker:
            tasks = [producer.send("spread", 2) for _ in range(FORKS // 3)]

            def finished() -> bool:
                ended = [event for event in read.events if event.kind == "task-succeeded"]
                return len(ended) == 3 * len(tasks)

            read.until(finished, timeout=60 + FORKS, why=f"{3 * len(tasks)} tasks, each in a child of its own")
            worker.term()
        read.until(lambda: read.closed(node))
        assert read.holes(node) == {}
        assert all(read.story(task) == DONE for task in tasks)
        children = [event.data["child"] for event in read.events if event.kind == "task-succeeded"]
        assert len(set(children)) == len(children)
