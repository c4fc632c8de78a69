"""One message that runs twice is told while both run, with its cause; a second run after a death is none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import Server
from lab.sweep import sweep
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]

TIMEOUT = 3.0
KIND = "task-duplicated"


@contextmanager
def worker(
    server: Server, redis: RedisServer, concurrency: int = 1, conf: Mapping[str, object] | None = None
) -> Iterator[Worker]:
    conf = {"broker_transport_options": {"visibility_timeout": TIMEOUT}, **(conf or {})}
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    env = {"LAB_INSTALL": '{"heartbeat": 0.5}'}
    with Worker(redis.url, concurrency=concurrency, node=node, app="lab.recorded", conf=conf, env=env) as started:
        server.know(node)
        yield started


def started(one: Worker, server: Server, task: str) -> bool:
    runs = server.get(f"tasks/{task}")["attempts"]
    return any(run["worker"] == one.node and run["started_at"] is not None for run in runs)


def swept(redis: RedisServer, server: Server, one: Worker, task: str) -> None:
    """Sweep until `one` runs it."""

    def once() -> bool:
        sweep(redis, TIMEOUT)
        return started(one, server, task)

    wait_until(once, 40, every=0.2, why="the second run")


def cut(redis: RedisServer) -> None:
    """End the connection on which a worker waits for tasks; those by which it gives back what it held live on."""
    client = redis.client()
    waiting = [one["id"] for one in client.client_list() if one["cmd"] == "brpop"]
    assert waiting
    for each in waiting:
        client.client_kill_filter(_id=each)


def test_a_task_beyond_the_visibility_timeout_runs_twice_and_is_told_while_it_does() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        worker(server, redis) as one,
    ):
        task = producer.send("late", 25)
        wait_until(lambda: started(one, server, task), 30)
        with worker(server, redis) as two:
            swept(redis, server, two, task)
            incident = server.incident(KIND, timeout=15)
            assert incident["cause"] == "visibility-timeout"
            assert incident["impact"]["running_twice"] == [task]
            assert "is running twice" in incident["summary"]
            told = " ".join(fact["fact"] for fact in incident["evidence"])
            assert one.node in told and two.node in told
            settings = {each["setting"] for each in incident["prevent"]}
            assert settings == {"celeriac_keepalive", "broker_transport_options['visibility_timeout']"}


def test_a_lost_connection_makes_it_run_twice_on_one_worker() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        worker(server, redis, concurrency=2, conf={"broker_transport_options": {}}) as one,
    ):
        task = producer.send("late", 40)
        wait_until(lambda: started(one, server, task), 30)
        cut(redis)
        incident = server.incident(KIND, timeout=45)
        assert incident["cause"] == "connection-blip"
        assert incident["impact"]["running_twice"] == [task]


def test_a_run_that_ended_with_its_connection_is_no_duplicate() -> None:
    conf = {"worker_cancel_long_running_tasks_on_connection_loss": True, "broker_transport_options": {}}
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        worker(server, redis, concurrency=2, conf=conf) as one,
    ):
        task = producer.send("late", 12)
        wait_until(lambda: started(one, server, task), 30)
        cut(redis)
        try:
            wait_until(lambda: len(server.get(f"tasks/{task}")["attempts"]) > 1, 30, why="the second delivery")
        except AssertionError:
            raise AssertionError(f"{server.get(f'tasks/{task}')['attempts']} {one.output[-3000:]}") from None
        wait_until(lambda: server.get(f"tasks/{task}")["verdict"] == "succeeded", 30)
        _judged(server)
        assert KIND not in {each["kind"] for each in server.incidents()}


def test_a_redelivery_after_a_death_is_no_duplicate() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        worker(server, redis) as one,
        worker(server, redis) as two,
    ):
        task = producer.send("late", 3)
        first = wait_until(lambda: _runner(server, task, one, two), 30, why="the first run")
        first.kill()
        swept(redis, server, two if first is one else one, task)
        wait_until(lambda: server.get(f"tasks/{task}")["verdict"] == "succeeded", 30)
        _judged(server)
        assert KIND not in {each["kind"] for each in server.incidents()}


def _runner(server: Server, task: str, *workers: Worker) -> Worker | None:
    return next((one for one in workers if started(one, server, task)), None)


def _judged(server: Server) -> None:
    """Wait until all that is on record now was judged."""
    now = server.get("pulse")["as_of"]
    wait_until(lambda: server.get("pulse")["as_of"] > now, 20, why="the next judgement")
