"""Tasks that vanish before anybody runs them, for real: each is declared lost, with the cause that it was."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.script import Script
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


PATIENT = 20
"""Seconds for which a worker's BRPOP waits: it must still wait when the task is published."""


class Stand(NamedTuple):
    """Where the ledger has a task."""

    term: str | None
    because: str | None
    state: str


class House:
    """A broker, a server, and producers that are recorded."""

    def __init__(self, redis: RedisServer, server: Server) -> None:
        self.redis = redis
        self.server = server

    def publish(self, count: int = 1, **options: Any) -> list[str]:
        """Publish from a recorded process of its own; returns when the server knows of them."""
        with self.publisher(count, **options) as publisher:
            return self.published(publisher)

    def publisher(self, count: int = 1, **options: Any) -> Script:
        """A recorded process that is ready to publish, and waits for a line to do it."""
        program = f"""
        celeriac.install(app)
        app.connection_for_write().ensure_connection(max_retries=1)
        tell(ready=True)
        input()
        tell(ids=[publish(**{options!r}) for _ in range({count})])
        """
        return Script(program, broker=self.redis.url)

    def published(self, publisher: Script) -> list[str]:
        """Let it publish; returns when the server knows of it."""
        publisher.say()
        ids: list[str] = publisher.end()["ids"]
        wait_until(lambda: len(self.stands(ids)) == len(ids), 20, why="the publishes to be on record")
        return ids

    def into_the_socket(self, worker: Worker) -> list[str]:
        """Publish one task that a worker, frozen while it waits for one, pops and never reads."""
        with self.publisher() as publisher:
            publisher.hear()
            wait_until(self._waits_afresh, 20, every=0.01, why="a worker that has just begun to wait for a task")
            worker.stop()
            return self.published(publisher)

    def _waits_afresh(self) -> bool:
        every = self.redis.client().client_list()
        return any(one["cmd"] == "brpop" and int(one["idle"]) < PATIENT / 4 for one in every)

    def stands(self, ids: Sequence[str]) -> dict[str, Stand]:
        """Where each stands now; those never heard of are not in it."""
        asked = "select id, term, because, state from tasks where id in (select value from json_each(?))"
        with closing(sqlite3.connect(f"file:{self.server.path}?mode=ro", uri=True, timeout=5)) as store:
            return {row[0]: Stand(*row[1:]) for row in store.execute(asked, [json.dumps(list(ids))])}

    def all_are(self, term: str, ids: Sequence[str], timeout: float = 30) -> None:
        """Wait until every one stands there."""
        try:
            wait_until(lambda: {one.term for one in self.stands(ids).values()} == {term}, timeout)
        except AssertionError:
            raise AssertionError(f"wanted {term}: {self.stands(ids)} {self.server.log[-2000:]}") from None

    def lost(self, cause: str, ids: Sequence[str], timeout: float = 30) -> dict[str, Any]:
        """Wait until an incident says that exactly these were lost to `cause`."""

        def says() -> dict[str, Any] | None:
            for one in self.server.incidents("open", "pending"):
                detail: dict[str, Any] = self.server.get(f"incidents/{one['id']}")
                for finding in detail["findings"]:
                    if finding["cause"] == cause and set(finding["impact"]["lost"] or ()) == set(ids):
                        return dict(finding)
            return None

        try:
            found = wait_until(says, timeout, every=0.2)
        except AssertionError:
            raise AssertionError(f"{cause} {ids}: {self.server.incidents()} {self.stands(ids)}") from None
        assert found is not None
        self.all_are("lost", ids)
        return found


@contextmanager
def house(*args: str) -> Iterator[House]:
    """With a message in the queue `waits` that nobody takes, so that the server knows the queue from the beginning."""
    with RedisServer(*args) as redis, Producer(redis.url) as producer:
        producer.send("noop", queue="waits")
        with Server(redis.url) as server:
            yield House(redis, server)


def named(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:6]}@lab"


def recorded(house: House, what: str, conf: Mapping[str, Any] | None = None, **options: Any) -> Worker:
    patient = {"broker_transport_options": {"polling_interval": PATIENT}, **(conf or {})}
    return Worker(house.redis.url, node=named(what), app="lab.recorded", conf=patient, **options)


def test_what_a_frozen_worker_popped_is_in_doubt_and_lost_when_it_is_killed() -> None:
    with house() as home, recorded(home, "frozen", conf={"task_acks_late": True}) as worker:
        home.server.know(worker.node)
        ids = home.into_the_socket(worker)
        home.all_are("unknown", ids)
        (stand,) = home.stands(ids).values()
        assert stand.because is not None and worker.node in stand.because and "frozen" in stand.because
        worker.kill()
        with recorded(home, "finder", queues=("others",)):
            found = home.lost("in-socket", ids)
        assert found["subject"]["worker"] == worker.node


def test_what_a_frozen_worker_popped_is_no_loss_when_it_goes_on() -> None:
    with house() as home, recorded(home, "thaws") as worker:
        home.server.know(worker.node)
        ids = home.into_the_socket(worker)
        home.all_are("unknown", ids)
        worker.cont()
        home.all_are("succeeded", ids)
        assert "task-lost" not in {one["kind"] for one in home.server.incidents()}


def test_a_flush_takes_what_waited_and_nothing_else() -> None:
    with house() as home:
        ids = home.publish(5, queue="waits")
        home.redis.client().flushdb()
        home.lost("flushed", ids)
        later = home.publish(2, queue="waits")
        home.all_are("waiting", later)


def test_a_restart_without_persistence_takes_what_waited() -> None:
    with house() as home:
        ids = home.publish(5, queue="waits")
        home.redis.kill()
        home.redis.start()
        home.lost("flushed", ids)


def test_a_restart_with_an_append_only_file_takes_nothing() -> None:
    with house("--appendonly", "yes", "--appendfsync", "always") as home:
        ids = home.publish(5, queue="waits")
        home.redis.kill()
        home.redis.start()
        with recorded(home, "after", queues=("waits",)):
            home.all_are("succeeded", ids, timeout=40)
        assert "task-lost" not in {one["kind"] for one in home.server.incidents()}


def test_eviction_takes_the_queue() -> None:
    with house() as home:
        ids = home.publish(5, queue="waits")
        client = home.redis.client()
        client.config_set("maxmemory-policy", "allkeys-lru")
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory", used + (1 << 20))
        number = 0
        while client.exists("waits"):
            assert number < 20_000, "nothing was evicted"
            client.set(f"cache:{number}", b"x" * 4096)
            number += 1
        home.lost("evicted", ids)


def test_a_publish_to_an_exchange_that_leads_nowhere_any_more_is_unroutable() -> None:
    program = """
    from kombu import Exchange, Queue
    app.conf.task_queues = [Queue("deals", Exchange("deals", type="topic"), routing_key="deals")]
    celeriac.install(app)
    tell(first=[publish(queue="deals")])
    input()
    tell(ids=[publish(queue="deals") for _ in range(3)])
    """
    with RedisServer() as redis, Script(program, broker=redis.url) as publisher:
        first: list[str] = publisher.hear()["first"]
        with Server(redis.url) as server:
            home = House(redis, server)
            home.all_are("waiting", first)
            redis.client().flushdb()
            home.lost("flushed", first)
            home.lost("unroutable", home.published(publisher), timeout=40)


def test_a_full_broker_takes_the_task_and_the_worker_that_popped_it() -> None:
    with house() as home, recorded(home, "full", concurrency=1) as worker:
        home.server.know(worker.node)
        ids = home.into_the_socket(worker)
        home.all_are("unknown", ids)
        home.redis.client().config_set("maxmemory", "1mb")
        worker.cont()
        worker.process.wait(timeout=30)
        home.redis.client().config_set("maxmemory", "0")
        home.lost("in-socket", ids)


def test_a_message_that_its_worker_may_not_read_is_undecodable() -> None:
    with house() as home, recorded(home, "strict", conf={"accept_content": ["json"]}) as worker:
        home.server.know(worker.node)
        found = home.lost("undecodable", home.publish(2, serializer="pickle"))
        assert found["subject"]["worker"] == worker.node
