"""A delivery that its worker works on outlives the visibility timeout; one that nobody works on does not."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from kombu import Connection

from lab.celery import Producer, Worker
from lab.need import need_module
from lab.redis import RedisServer, ValkeyServer
from lab.sweep import sweep
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

TIMEOUT = 3.0
LONG = 2 * TIMEOUT
FOREVER = 60.0


@contextmanager
def worker(
    redis: RedisServer, *, keepalive: bool = True, pool: str = "prefork", options: Mapping[str, object] | None = None
) -> Iterator[Worker]:
    conf = {"broker_transport_options": {"visibility_timeout": TIMEOUT, **(options or {})}, "worker_concurrency": 1}
    env = {"LAB_INSTALL": f'{{"heartbeat": 0.5, "keepalive": {str(keepalive).lower()}}}'}
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    with Worker(redis.url, pool=pool, concurrency=1, node=node, app="lab.recorded", conf=conf, env=env) as started:
        yield started


def score(redis: RedisServer, prefix: str = "") -> float | None:
    """When the one delivery was made, or was last kept, as kombu sees it; None when there is none."""
    scores = redis.client().zrange(f"{prefix}unacked_index", 0, -1, withscores=True)
    return float(scores[0][1]) if scores else None


def delivered(redis: RedisServer, prefix: str = "") -> float:
    return wait_until(lambda: score(redis, prefix), 20, why="the delivery")


def renewed(redis: RedisServer, before: float) -> float:
    """The score once it is a newer one."""
    return wait_until(lambda: (score(redis) or 0.0) > before and score(redis), 20, why="the score to be renewed")


def waiting(redis: RedisServer, prefix: str = "") -> int:
    return int(redis.client().llen(f"{prefix}celery"))


def swept(redis: RedisServer, done: Callable[[], object], prefix: str = "", ahead: float = 0.0) -> None:
    """Sweep until `done`."""

    def once() -> object:
        sweep(redis, TIMEOUT, prefix=prefix, ahead=ahead)
        return done()

    wait_until(once, 40, every=0.2, why="the end of the sweeps")


def received(one: Worker, task: str) -> int:
    return one.output.count(f"[{task}] received")


def evals(redis: RedisServer) -> int:
    return int(redis.client().info("commandstats")["cmdstat_eval"]["calls"])


def ended(one: Worker, task: str) -> bool:
    return f"[{task}] succeeded" in one.output


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent"])
def test_a_task_longer_than_the_timeout_runs_once_in_every_pool(pool: str) -> None:
    if pool == "gevent":
        need_module(pool)
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis, pool=pool) as one:
        task = producer.send("late", LONG)
        delivered(redis)
        swept(redis, lambda: ended(one, task))
        assert (received(one, task), waiting(redis)) == (1, 0)
        wait_until(lambda: score(redis) is None, why="the acknowledgement")


def test_without_it_the_same_task_is_delivered_again() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis, keepalive=False) as one:
        task = producer.send("late", LONG)
        delivered(redis)
        swept(redis, lambda: received(one, task) > 1)


def test_an_eta_beyond_the_timeout_is_received_once_on_valkey_under_a_prefix() -> None:
    options = {"global_keyprefix": "shop:"}
    conf = {"broker_transport_options": options}
    with ValkeyServer() as redis, Producer(redis.url, conf) as producer, worker(redis, options=options) as one:
        task = producer.send("noop", countdown=LONG)
        delivered(redis, "shop:")
        swept(redis, lambda: ended(one, task), "shop:")
        assert (received(one, task), waiting(redis, "shop:")) == (1, 0)


def test_a_worker_whose_clock_is_ahead_by_a_third_of_the_timeout_takes_nothing_away() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis) as one:
        task = producer.send("late", LONG)
        delivered(redis)
        swept(redis, lambda: ended(one, task), ahead=TIMEOUT / 3)
        assert received(one, task) == 1


def test_a_killed_workers_task_comes_back() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis) as one:
        producer.send("late", FOREVER)
        renewed(redis, delivered(redis))
        one.kill()
        swept(redis, lambda: waiting(redis) == 1)


def test_a_frozen_workers_task_comes_back_and_is_left_to_who_has_it_then() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis) as one:
        producer.send("late", FOREVER)
        renewed(redis, delivered(redis))
        one.stop()
        swept(redis, lambda: waiting(redis) == 1)
        with Connection(redis.url) as connection:
            channel: Any = connection.default_channel
            assert channel.basic_get("celery") is not None
            theirs = delivered(redis)
            one.cont()
            beats = evals(redis) + 8
            wait_until(lambda: evals(redis) > beats, 20, why="it to look, and to ship its record")
            assert score(redis) == theirs


def test_a_main_loop_that_hangs_keeps_nothing() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis) as one:
        producer.send("late", FOREVER)
        renewed(redis, delivered(redis))
        producer.app.control.broadcast("lab_hang", destination=[one.node])
        swept(redis, lambda: waiting(redis) == 1)


def test_after_a_lost_connection_the_new_delivery_is_kept() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis) as one:
        task = producer.send("late", FOREVER)
        renewed(redis, delivered(redis))
        redis.client().client_kill_filter(_type="normal", skipme=True)
        wait_until(lambda: received(one, task) == 2, 40, why="the redelivery")
        renewed(redis, time.time())
        assert (received(one, task), waiting(redis)) == (2, 0)


def test_a_warm_shutdown_keeps_what_still_runs() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer, worker(redis) as one:
        task = producer.send("late", LONG)
        renewed(redis, delivered(redis))
        one.process.terminate()
        wait_until(lambda: "Warm shutdown" in one.output, 20)
        swept(redis, lambda: one.process.poll() is not None)
        assert (ended(one, task), waiting(redis), score(redis)) == (True, 0, None)
