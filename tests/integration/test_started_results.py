"""The result backend, read-only: it names what runs, and nothing else."""

from __future__ import annotations

import pytest

from celeriac.brokers.results import started_results
from celeriac.errors import BrokerUnavailableError, UnsupportedByBrokerError
from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def test_a_running_task_is_named_with_its_worker_and_a_finished_one_is_not() -> None:
    with RedisServer() as redis:
        conf = {"result_backend": redis.url, "task_track_started": True, "task_ignore_result": False}
        with Worker(redis.url, conf=conf) as worker, Producer(redis.url, conf) as producer:
            done = producer.send("noop")
            running = producer.send("nap", 60)
            client = redis.client()
            wait_until(lambda: b"SUCCESS" in (client.get(f"celery-task-meta-{done}") or b""), 30)
            wait_until(lambda: b"STARTED" in (client.get(f"celery-task-meta-{running}") or b""), 30)
            client.set("celery-task-meta-junk", b"\x80pickled")
            before = sorted(client.keys("*"))
            (event,) = started_results(redis.url, now=100.0)
            assert (event.task_id, event.worker, event.kind) == (running, worker.node, "task-started")
            assert sorted(client.keys("*")) == before
            client.close()


def test_other_backends_and_dead_ones_are_told_in_one_line() -> None:
    with pytest.raises(UnsupportedByBrokerError):
        started_results("db+sqlite:///results.db", 0.0)
    with RedisServer() as redis:
        url = redis.url
    with pytest.raises(BrokerUnavailableError):
        started_results(url, 0.0)
