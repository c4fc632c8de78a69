"""The result backend, read-only: it names what runs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from celeriac.errors import BrokerUnavailableError, UnsupportedByBrokerError
from celeriac.results.open import started_results
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


def test_other_backends_and_dead_ones_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedByBrokerError):
        started_results("db+mysql://localhost/results", 0.0)
    with pytest.raises(BrokerUnavailableError):
        started_results(f"db+sqlite:///{tmp_path}/results.db", 0.0)
    with RedisServer() as redis:
        url = redis.url
    with pytest.raises(BrokerUnavailableError):
        started_results(url, 0.0)
