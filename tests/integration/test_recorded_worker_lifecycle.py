"""A worker's record over lost connections and every kind of ending: nothing doubled, nothing left behind."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.record import Record, record
from lab.redis import RedisServer

pytestmark = pytest.mark.redis

DONE = ("received", "started", "succeeded")
QUIET = '{"heartbeat": 60, "memory_interval": 0}'
SHUTDOWN = 30.0
"""Seconds in which a worker ends, on a busy machine."""


def _worker(redis: RedisServer, install: str = QUIET, conf: Mapping[str, Any] | None = None) -> Worker:
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    return Worker(redis.url, node=node, app="lab.recorded", conf=conf, env={"LAB_INSTALL": install})


def _kinds(read: Record, kind: str) -> list[float]:
    return [event.at for event in read.events if event.kind == kind]


def test_lost_connections_double_nothing() -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with _worker(redis, '{"heartbeat": 0.5, "memory_interval": 0}') as worker:
            for _ in range(3):
                tasks = [producer.send("noop") for _ in range(4)]
                for task in tasks:
                    read.until_story(task, *DONE)
                redis.client().client_kill_filter(_type="normal", skipme=True)
            task = producer.send("noop")
            read.until_story(task, *DONE)
            since = time.time()
            read.until(lambda: _kinds(read, "worker-heartbeat")[-1] > since + 2.2)
            beats = [at for at in _kinds(read, "worker-heartbeat") if since < at <= since + 2]
            assert len(beats) <= 5
            assert len(_kinds(read, "worker-online")) == 1
            assert not _kinds(read, "worker-offline")
            worker.term()
        read.until(lambda: read.closed(worker.node))
        assert read.holes(worker.node) == {}
        assert len(_kinds(read, "worker-offline")) == 1


def test_a_broker_that_restarts_doubles_nothing() -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with _worker(redis) as worker:
            before = producer.send("noop")
            read.until_story(before, *DONE)
            redis.stop()
            redis.start()
            after = [producer.send("noop") for _ in range(4)]
            for task in after:
                read.until_story(task, *DONE, timeout=60)
            worker.term()
        read.until(lambda: read.closed(worker.node))
        assert len({parcel.sender.boot for parcel in read.of(worker.node)}) == 1
        assert read.holes(worker.node) == {}
        assert all(read.story(task) == list(DONE) for task in (before, *after))


def test_a_warm_end_tells_what_still_ran() -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with _worker(redis) as worker:
            task = producer.send("nap", 2)
            read.until_story(task, "received", "started")
            worker.term()
        read.until(lambda: read.closed(worker.node))
        assert read.story(task) == list(DONE)
        assert read.holes(worker.node) == {}
        assert read.one("worker-offline").at < read.one("task-succeeded", task).at


def test_a_cold_end_tells_its_tail() -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with _worker(redis) as worker:
            task = producer.send("nap", 60)
            read.until_story(task, "received", "started")
            worker.process.send_signal(signal.SIGQUIT)
            worker.process.wait(timeout=SHUTDOWN)
        read.until(lambda: read.closed(worker.node))
        assert read.holes(worker.node) == {}
        assert "succeeded" not in read.story(task)
        assert len(_kinds(read, "worker-offline")) == 1


def test_a_soft_end_tells_what_was_finished_in_time() -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with _worker(redis, conf={"worker_soft_shutdown_timeout": 3}) as worker:
            task = producer.send("nap", 2)
            read.until_story(task, "received", "started")
            worker.process.send_signal(signal.SIGQUIT)
            worker.process.wait(timeout=SHUTDOWN)
        read.until(lambda: read.closed(worker.node))
        assert read.holes(worker.node) == {}
        assert "received" in read.story(task)


@pytest.mark.parametrize("retry", [True, False])
def test_a_worker_whose_broker_is_gone_ends_in_time(retry: bool) -> None:
    with (
        RedisServer() as redis,
        Producer(redis.url) as producer,
        record(redis.url) as read,
        _worker(redis, conf={"broker_connection_retry": retry}) as worker,
    ):
        read.until_story(producer.send("noop"), *DONE)
        redis.kill()
        if retry:
            worker.process.send_signal(signal.SIGTERM)
        worker.process.wait(timeout=SHUTDOWN)


def test_a_killed_main_leaves_a_record_that_is_whole_up_to_its_last_flush() -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with _worker(redis) as worker:
            task = producer.send("noop")
            read.until_story(task, *DONE)
            worker.kill()
        read.read()
        assert read.holes(worker.node) == {}
        assert not read.closed(worker.node)
