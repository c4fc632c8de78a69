"""What real workers answer, and that the question leaves no trace."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from celeriac.brokers import Broker
from celeriac.model.worker import Worker as Life
from lab.broker import opened
from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def answers(broker: Broker, count: int) -> tuple[Life, ...]:
    """What is answered once all `count` workers listen: a worker says it is ready a moment before it does."""

    def asked() -> tuple[Life, ...] | None:
        lives = broker.ask(time.time())
        return lives if len(lives) == count else None

    found = wait_until(asked, 20, why=f"{count} to answer")
    assert found is not None
    return found


def test_a_prefork_worker_tells_queues_pool_children_and_claims(server: RedisServer) -> None:
    conf = {"broker_transport_options": {"visibility_timeout": 120}}
    with (
        Worker(server.url, queues=("celery", "slow"), conf=conf) as worker,
        Producer(server.url) as producer,
        opened(server.url) as broker,
    ):
        running = producer.send("nap", 30)
        waiting = producer.send("noop", countdown=3600)
        life = wait_until(lambda: _claiming(broker.ask(time.time()), {"active", "scheduled"}))
        assert (life.node, life.pid, life.pool) == (worker.node, worker.pid, "prefork")
        assert set(life.queues or ()) == {"celery", "slow"}
        assert set(life.children or ()) == set(worker.children)
        assert (life.concurrency, life.visibility_timeout) == (2, 120.0)
        assert life.prefetch
        claims = {claim.task_id: claim for claim in life.claims or ()}
        assert (claims[running].state, claims[waiting].state) == ("active", "scheduled")
        assert claims[running].child_pid in worker.children
        assert abs((claims[running].started_at or 0) - time.time()) < 30
        assert life.heartbeat_seen == 0.0


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_pool_without_children_has_none(server: RedisServer, pool: str) -> None:
    with Worker(server.url, pool=pool), opened(server.url) as broker:
        (life,) = answers(broker, 1)
        assert (life.pool, life.children, life.visibility_timeout) == (pool, (), 3600.0)
        assert life.claims == ()


def test_the_keys_are_the_same_before_and_after(server: RedisServer) -> None:
    with Worker(server.url, node="w1@lab"), Worker(server.url, node="w2@lab"), opened(server.url) as broker:
        answers(broker, 2)
        client = server.client()
        before = {key: client.dump(key) for key in client.scan_iter()}
        assert {life.node for life in broker.ask(time.time())} == {"w1@lab", "w2@lab"}
        assert {key: client.dump(key) for key in client.scan_iter()} == before


def test_every_worker_answers_well_before_the_timeout(server: RedisServer) -> None:
    with Worker(server.url), opened(server.url, timeout=10.0) as broker:
        answers(broker, 1)
        started = time.monotonic()
        assert len(broker.ask(time.time())) == 1
        assert time.monotonic() - started < 5


def test_a_frozen_worker_gives_no_answer_and_its_late_one_is_swept_up(server: RedisServer) -> None:
    with Worker(server.url, pool="solo") as worker, opened(server.url, timeout=0.5) as broker:
        answers(broker, 1)
        client = server.client()
        before = sorted(client.keys())
        worker.stop()
        assert broker.ask(time.time()) == ()
        worker.cont()
        wait_until(lambda: len(broker.ask(time.time())) == 1)
        assert sorted(client.keys()) == before


def test_two_processes_under_one_node_name_are_two_lives_with_unknown_claims(server: RedisServer) -> None:
    with Worker(server.url, pool="solo") as one, Worker(server.url, pool="solo") as two, opened(server.url) as broker:
        lives = answers(broker, 2)
        assert {life.pid for life in lives} == {one.pid, two.pid}
        assert {life.claims for life in lives} == {None}


def test_a_global_keyprefix_is_followed(server: RedisServer) -> None:
    conf = {"broker_transport_options": {"global_keyprefix": "app-"}}
    with Worker(server.url, pool="solo", conf=conf), opened(server.url, global_keyprefix="app-") as broker:
        before = sorted(server.client().keys())
        assert len(broker.ask(time.time())) == 1
        assert sorted(server.client().keys()) == before


def test_events_are_turned_on_by_remote_control(server: RedisServer) -> None:
    with Worker(server.url, events=False) as worker, opened(server.url) as broker:
        broker.enable_events()
        wait_until(lambda: "enabled by remote" in worker.output)


def _claiming(lives: tuple[Life, ...], states: set[str]) -> Life | None:
    return next((life for life in lives if {claim.state for claim in life.claims or ()} == states), None)
