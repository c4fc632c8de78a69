"""Every pool is recorded whole, from its first word to its last."""

from __future__ import annotations

import os
import uuid

import pytest

from celeriac.model.event import Event
from lab.broker import opened
from lab.celery import Producer, Worker
from lab.need import need_module
from lab.record import Record, record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis

DONE = ("received", "started", "succeeded")


def _node() -> str:
    return f"w-{uuid.uuid4().hex[:8]}@lab"


def _ran_whole(read: Record, worker: Worker, tasks: list[str]) -> None:
    """Each task was told once, and after a warm end nothing is missing and nothing follows."""
    for task in tasks:
        read.until_story(task, *DONE)
    worker.term()
    read.until(lambda: read.closed(worker.node), why="the last parcel")
    assert read.holes(worker.node) == {}
    assert {parcel.dropped for parcel in read.of(worker.node)} == {0}
    assert [event.kind for event in read.events if event.kind.startswith("worker-") and event.kind[7:9] == "of"] == [
        "worker-offline"
    ]
    assert all(read.story(task) == list(DONE) for task in tasks)


@pytest.mark.parametrize(("pool", "slots"), [("threads", 2), ("solo", 1), ("gevent", 2), ("eventlet", 2)])
def test_a_pool_without_processes_is_recorded_whole(pool: str, slots: int) -> None:
    if pool in ("gevent", "eventlet"):
        need_module(pool)
    env = {"LAB_INSTALL": '{"heartbeat": 0.2}'}
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with Worker(redis.url, pool=pool, node=_node(), app="lab.recorded", env=env) as worker:
            tasks = [producer.send("late") for _ in range(10)]
            read.until(lambda: [event for event in read.events if event.kind == "worker-heartbeat"], why="a heartbeat")
            _ran_whole(read, worker, tasks)
        online = read.one("worker-online")
        assert (online.data["pool"], online.data["slots"], online.pid) == (pool, slots, worker.pid)
        assert not [event for event in read.events if "child" in event.data]
        assert read.one("task-succeeded", tasks[0]).data["result"] == str(worker.pid)


@pytest.mark.parametrize(
    ("conf", "args"),
    [
        pytest.param({"worker_pool_start_method": "spawn"}, (), id="spawn"),
        pytest.param({}, ("--max-tasks-per-child", "1"), id="max-tasks"),
        pytest.param({}, ("--autoscale", "4,1"), id="autoscale"),
    ],
)
def test_children_that_come_and_go_leave_no_hole(conf: dict[str, object], args: tuple[str, ...]) -> None:
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        with Worker(redis.url, node=_node(), app="lab.recorded", conf=conf, args=args) as worker:
            tasks = [producer.send("late") for _ in range(8)]
            spread = producer.send("spread", 3)
            _ran_whole(read, worker, [*tasks, spread])
        ran_in = {int(str(read.one("task-succeeded", task).data["result"])) for task in tasks}
        told = {read.one("task-succeeded", task).data["child"] for task in tasks}
        assert ran_in == told
        assert os.getpid() not in ran_in
        sent = [event.pid for event in read.events if event.kind == "task-sent"]
        assert len(sent) == 3
        assert worker.pid not in sent


def test_celerys_own_events_carry_the_same_times() -> None:
    with (
        RedisServer() as redis,
        record(redis.url) as read,
        Producer(redis.url) as producer,
        opened(redis.url) as broker,
    ):
        events, native = broker.events(), list[Event]()
        wait_until(lambda: events.read(0.5, 1).current)
        with Worker(redis.url, node=_node(), app="lab.recorded", env={"LAB_INSTALL": '{"heartbeat": 0.2}'}):
            done, failed = producer.send("noop"), producer.send("boom")
            ends = {done: "task-succeeded", failed: "task-failed"}

            def heard() -> bool:
                native.extend(events.read(0.2, 1_000).events)
                return {event.task_id: event.kind for event in native if event.kind in ends.values()} == ends

            wait_until(heard, timeout=30)
            read.until_story(done, *DONE)
            read.until_story(failed, "received", "started", "failed")
        events.close()
        times = {(event.kind, event.task_id): event.at for event in native}
        for kind, task in [("task-started", done), ("task-succeeded", done), ("task-failed", failed)]:
            assert times[kind, task] == read.one(kind, task).at
        assert abs(times["task-received", done] - read.one("task-received", done).at) < 0.5
