"""The poison guard on Redis: deaths are counted over workers, and a task that kills is set aside; real deaths."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from typing import Any, cast

import celery
import pytest
from kombu import Connection

from celeriac.collector import ParkedLoop
from celeriac.model.attempt import AttemptState
from celeriac.model.evidence import Evidence
from celeriac.model.fatality import Fatality
from celeriac.model.wire import encode
from celeriac.store import Store
from celeriac.transport import open_park
from celeriac.transport.tally import open_tally
from lab.celery import Producer, Worker
from lab.need import lack
from lab.record import Record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis
PARK = {"poison": "park"}
AT_ONCE = {"poison": "park", "poison_limit": 1, "heartbeat": 0.5}


@pytest.fixture(autouse=True)
def _empty(redis: RedisServer) -> None:
    redis.client().flushall()


def worker(redis: RedisServer, install: Mapping[str, Any], *, timeout: float | None = None, **options: Any) -> Worker:
    conf = {} if timeout is None else {"broker_transport_options": {"visibility_timeout": timeout}}
    node = f"w-{uuid.uuid4().hex[:12]}@lab"
    return Worker(
        redis.url,
        app="lab.poisonous",
        node=node,
        conf=conf,
        env={"LAB_INSTALL": json.dumps(install)},
        **{"concurrency": 1, **options},
    )


def told(read: Record, task_id: str) -> list[Evidence]:
    return [one for one in read.evidence if one.what == "poison" and one.data["task_id"] == task_id]


def deaths(read: Record, task_id: str) -> list[Any]:
    return list(told(read, task_id)[-1].data["deaths"]) if told(read, task_id) else []  # type: ignore[call-overload]


def parked(read: Record, task_id: str) -> bool:
    return any(event.kind == "task-parked" and event.task_id == task_id for event in read.events)


def _age_of_what_is_held(redis: RedisServer) -> float:
    ((_, since),) = cast(Any, redis.client()).zrange("unacked_index", 0, -1, withscores=True)
    return float(time.time() - since)


def preset(redis: RedisServer, task_id: str, count: int) -> None:
    """The task has ended so many processes before."""
    with Connection(redis.url) as connection:
        tally = open_tally(connection, patience=3.0)
        for number in range(count):
            death = Fatality(1795000000.0 + number, "w-gone@lab", "b1", "oom", pid=100 + number)
            tally.add(task_id, death.mark, json.dumps(encode(death)).encode())
        tally.close()


def test_a_task_that_kills_three_children_is_set_aside_whole_and_the_worker_serves_on(
    redis: RedisServer, read: Record, send: Producer
) -> None:
    with worker(redis, PARK):
        task_id = send.send("poison", "x" * 100_000)
        read.until(lambda: parked(read, task_id), timeout=60)
        assert read.story(task_id) == [*["received", "started", "rejected"] * 3, "received", "parked"]
        assert [one["cause"] for one in deaths(read, task_id)] == ["signal"] * 3
        other = send.send("noop")
        read.until_story(other, "received", "started", "succeeded")
        wait_until(lambda: not redis.client().hlen("unacked"), why="the poison to be acknowledged")
        assert redis.client().llen("celery") == 0
    with Connection(redis.url) as connection, closing(Store.open("sqlite://")) as store:
        loop = ParkedLoop(open_park(connection), store)
        loop.step(time.time())
        (letter,) = store.dead_letters(task_id)
        payload: Any = letter.body["payload"]
        assert (letter.state, letter.cause, letter.name, letter.queue) == ("new", "signal", "lab.poison", "celery")
        assert len(payload["body"]) > 100_000 and payload["headers"]["id"] == task_id
        task = store.task(task_id)
        assert task is not None and task.last is not None and task.last.state is AttemptState.DEAD
        assert redis.client().hlen("celeriac:parked") == 0
        loop.close()


def test_by_default_it_is_only_told(redis: RedisServer, read: Record, send: Producer) -> None:
    with worker(redis, {"poison_limit": 1}):
        task_id = send.send("crash")
        read.until(lambda: len(deaths(read, task_id)) >= 2, timeout=60)
        assert {one["cause"] for one in deaths(read, task_id)} <= {"segfault", "signal"}
        assert told(read, task_id)[-1].data["policy"] == "report" and not parked(read, task_id)


def test_a_main_that_dies_of_it_is_counted_by_who_gets_it_next(
    redis: RedisServer, read: Record, send: Producer
) -> None:
    with worker(redis, AT_ONCE, timeout=6) as first:
        task_id = send.send("assassin")
        first.process.wait(timeout=60)
        wait_until(lambda: _age_of_what_is_held(redis) > 6, timeout=15, why="the visibility timeout to pass")
        with worker(redis, AT_ONCE, timeout=6):  # kombu looks as it starts (kombu/transport/redis.py, restore_visible)
            read.until(lambda: parked(read, task_id), timeout=60)
            (death,) = deaths(read, task_id)
            assert (death["main"], death["node"]) == (True, first.node)


def test_a_redelivery_after_the_visibility_timeout_is_no_death(
    redis: RedisServer, read: Record, send: Producer
) -> None:
    with worker(redis, AT_ONCE, timeout=2):
        task_id = send.send("slow", 30)
        read.until(lambda: "started" in read.story(task_id))
        wait_until(lambda: _age_of_what_is_held(redis) > 2, timeout=15, why="the visibility timeout to pass")
        with worker(redis, AT_ONCE, timeout=2):
            read.until(lambda: read.story(task_id).count("started") == 2, timeout=60)
            assert not told(read, task_id) and not parked(read, task_id)


def test_a_task_that_was_acknowledged_early_dies_once_and_is_nobodys_poison(
    redis: RedisServer, read: Record, send: Producer
) -> None:
    with worker(redis, AT_ONCE):
        task_id = send.send("die")
        read.until_story(task_id, "received", "started", "failed", timeout=60)
        assert [one["cause"] for one in deaths(read, task_id)] == ["signal"] and not parked(read, task_id)


def test_a_memory_error_counts_though_it_ends_the_main(redis: RedisServer, read: Record, send: Producer) -> None:
    with worker(redis, AT_ONCE) as first:
        task_id = send.send("gorge")
        assert first.process.wait(timeout=60) == 1
    with worker(redis, AT_ONCE):
        read.until(lambda: parked(read, task_id), timeout=60)
        (death,) = deaths(read, task_id)
        assert (death["cause"], death["main"]) == ("memory-error", True)


def test_a_hard_time_limit_is_a_death(redis: RedisServer, read: Record, send: Producer) -> None:
    with worker(redis, AT_ONCE):
        task_id = send.send("hang")
        read.until(lambda: parked(read, task_id), timeout=60)
        assert [one["cause"] for one in deaths(read, task_id)] == ["hard-time-limit"]


def test_celerys_own_retry_is_counted_and_left_alone(redis: RedisServer, read: Record, send: Producer) -> None:
    if celery.VERSION < (5, 7):
        lack("this Celery sends nothing again by itself")
    with worker(redis, AT_ONCE):
        task_id = send.send("persist")
        read.until(lambda: "failed" in read.story(task_id), timeout=60)
        assert len(deaths(read, task_id)) == 2 and not parked(read, task_id)


def test_what_an_operator_ends_is_no_death(redis: RedisServer, read: Record, send: Producer) -> None:
    with worker(redis, AT_ONCE):
        task_id = send.send("slow", 60)
        read.until(lambda: "started" in read.story(task_id))
        send.app.control.revoke(task_id, terminate=True, signal="SIGKILL")
        read.until(lambda: "revoked" in read.story(task_id), timeout=60)
        assert not told(read, task_id)


@pytest.mark.parametrize("pool", ["solo", "threads", "gevent"])
def test_every_pool_sets_aside(redis: RedisServer, read: Record, send: Producer, pool: str) -> None:
    task_id = str(uuid.uuid4())
    preset(redis, task_id, 3)
    with worker(redis, PARK, pool=pool):
        send.send("reject", True, task_id=task_id)
        read.until(lambda: parked(read, task_id), timeout=60)
        story = read.story(task_id)  # a thread of the pool says that it was rejected, and main that it came again
        assert (story[:2], sorted(story[2:4]), story[4:]) == (
            ["received", "started"],
            ["received", "rejected"],
            ["parked"],
        )
        read.until_story(send.send("noop"), "received", "started", "succeeded")


def test_while_the_count_cannot_be_asked_the_task_runs(redis: RedisServer, send: Producer) -> None:
    task_id = str(uuid.uuid4())
    preset(redis, task_id, 3)
    with worker(redis, PARK | {"transport": "redis://127.0.0.1:1/0"}) as one:
        send.send("reject", True, task_id=task_id)
        wait_until(lambda: f"lab.reject[{task_id}] succeeded" in one.output, timeout=60)
