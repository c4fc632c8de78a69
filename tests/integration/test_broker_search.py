"""Searches of a real Redis that real workers use, and the loop that makes them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import redis

from celeriac.brokers.redis import RedisBroker
from celeriac.collector.seeking import SeekLoop
from celeriac.errors import BrokerUnavailableError
from celeriac.model.event import Event
from celeriac.model.sighting import Place, Search, Wanted
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from lab.broker import opened
from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis
QUEUE = "celery"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def broker(server: RedisServer) -> Iterator[RedisBroker]:
    with opened(server.url) as broker:
        yield broker


@pytest.fixture
def producer(server: RedisServer) -> Iterator[Producer]:
    with Producer(server.url) as producer:
        yield producer


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open("sqlite://")
    yield store
    store.close()


def _searched(broker: RedisBroker, *ids: str, queue: str | None = QUEUE) -> Search:
    """A whole search, on a clock that has a second pass with each call."""
    wanted, at = Wanted(dict.fromkeys(ids, queue)), time.time()
    for second in range(120):
        search = broker.search(wanted, at + second)
        if search.done:
            return search
    raise AssertionError("the search never ends")


def test_every_place_is_named_with_what_goes_before(broker: RedisBroker, producer: Producer) -> None:
    later = producer.send("noop", queue="parcels", priority=9)
    first, second = (producer.send("noop", queue="parcels") for _ in range(2))
    broker.look(time.time())
    found = _searched(broker, first, second, later, queue="parcels").found
    assert found == {
        first: Place("ready", "parcels", 1),
        second: Place("ready", "parcels", 2),
        later: Place("ready", "parcels", 3),
    }


def test_what_a_worker_holds_is_found_unacked(server: RedisServer, broker: RedisBroker, producer: Producer) -> None:
    held = producer.send("nap", 60, queue=QUEUE, countdown=3600)
    with Worker(server.url, concurrency=1, node=f"w-{uuid4()}@lab") as worker:
        wait_until(lambda: held in worker.output, timeout=15, why="the task to be received")
        assert _searched(broker, held).found == {held: Place("unacked", QUEUE)}


def test_a_task_in_another_queue_than_its_event_named_is_found(broker: RedisBroker, producer: Producer) -> None:
    strayed = producer.send("noop", queue="elsewhere")
    broker.look(time.time())
    assert _searched(broker, strayed, queue="by-this-routing-key").found == {strayed: Place("ready", "elsewhere", 1)}


def test_absence_from_a_queue_that_nobody_knows_waits_for_a_pass_over_the_keyspace(broker: RedisBroker) -> None:
    gone = str(uuid4())
    assert "not known" in _searched(broker, gone, queue="new").unsure[gone]
    broker.look(time.time())
    assert _searched(broker, gone, queue="new").absent == {gone}


def test_a_backlog_too_deep_for_the_budget_is_not_called_empty(server: RedisServer, producer: Producer) -> None:
    producer.send("noop", queue=QUEUE)
    client = server.client()
    message = client.lindex(QUEUE, 0)
    assert isinstance(message, bytes)
    client.lpush(QUEUE, *([message + b" " * 100_000] * 300))
    producer.send("noop", queue="shallow")
    gone, other = str(uuid4()), str(uuid4())
    with opened(server.url, search_seconds=5) as broker:
        broker.look(time.time())
        assert "too deep" in _searched(broker, gone).unsure[gone]
        assert _searched(broker, other, queue="shallow").absent == {other}, "another queue's depth is no doubt"


def test_a_call_keeps_to_its_budget(server: RedisServer, producer: Producer) -> None:
    for _ in range(40):
        producer.send("noop", "x" * 10_000, queue=QUEUE)
    with opened(server.url, search_bytes=64 << 10) as broker:
        broker.look(time.time())
        sent = server.client().info("stats")["total_net_output_bytes"]
        assert not broker.search(Wanted({str(uuid4()): QUEUE}), time.time()).done
        spent = server.client().info("stats")["total_net_output_bytes"] - sent
    assert spent < 64 * 1024 + 300_000


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda client: client.set("unacked", "x"), "WRONGTYPE"),
        (lambda client: client.set(QUEUE, "x"), "WRONGTYPE"),
        (lambda client: client.execute_command("ACL", "SETUSER", "default", "-hkeys"), "NOPERM"),
    ],
)
def test_what_cannot_be_read_is_unsure_with_the_reason(
    server: RedisServer, broker: RedisBroker, spoil: Callable[..., object], why: str
) -> None:
    spoil(server.client())
    gone = str(uuid4())
    search = _searched(broker, gone)
    assert search.absent == frozenset()
    assert why.lower() in search.unsure[gone].lower() or "no permissions" in search.unsure[gone]


def test_a_broker_that_went_away_raises_and_the_next_search_begins_anew(
    server: RedisServer, broker: RedisBroker, producer: Producer
) -> None:
    waiting = producer.send("noop", queue=QUEUE)
    assert _searched(broker, waiting).found
    server.kill()
    with pytest.raises(BrokerUnavailableError):
        _searched(broker, waiting)
    server.start()
    broker.look(time.time())
    assert _searched(broker, waiting).absent == {waiting}


def test_what_is_held_is_never_absent_twice_while_everything_moves(
    server: RedisServer, broker: RedisBroker, producer: Producer
) -> None:
    """Messages with a far ETA go back to the queue and out again all the time (a visibility timeout of 1 s), between
    thousands that come and go."""
    conf = {"broker_transport_options": {"visibility_timeout": 1, "unacked_restore_limit": 10}}
    held = [producer.send("noop", queue=QUEUE, countdown=3600) for _ in range(20)]
    with Worker(server.url, concurrency=2, node=f"w-{uuid4()}@lab", conf=conf, args=("-l", "WARNING"), ready=False):
        client = server.client()
        wait_until(lambda: client.hlen("unacked") > 0, timeout=30, why="the worker to take them")
        broker.look(time.time())
        absences: Counter[str] = Counter()
        searches, unsure, until = 0, 0, time.monotonic() + 4
        while time.monotonic() < until:
            for _ in range(20):
                producer.send("noop", queue=QUEUE)
            search = _searched(broker, *held, str(uuid4()))
            searches, unsure = searches + 1, unsure + bool(search.unsure)
            absences = Counter({one: absences[one] + 1 for one in held if one in search.absent})
            assert all(times < 2 for times in absences.values())
    assert searches > 10
    assert unsure < searches / 2


def test_the_loop_asks_nothing_without_a_suspect_and_proves_an_absence_with_two_searches(
    server: RedisServer, broker: RedisBroker, producer: Producer, store: Store
) -> None:
    loop, now = SeekLoop(broker, store), time.time()
    client = server.client()
    before = _served(client)
    loop.step(now)
    assert _served(client) == before
    waiting, gone = producer.send("noop", queue=QUEUE), str(uuid4())
    store.record(Batch(now, look=broker.look(now), marks=(SourceMark("broker", now),)))
    store.record(Batch(now, events=(_sent(waiting, now - 60), _sent(gone, now - 120))))
    for second in range(3):
        loop.step(now + second)
    absent, seen = store.sighting(gone), store.sighting(waiting)
    assert absent is not None
    assert absent.absences >= 2
    assert seen is None or seen.place == Place("ready", QUEUE, 1)


def _sent(task_id: str, at: float) -> Event:
    return Event(f"sent-{task_id}", "task-sent", at, at, "test", task_id=task_id, data={"name": "n", "queue": QUEUE})


def _served(client: redis.Redis) -> int:
    """Commands that the server was given so far, this question left out."""
    given = client.info("commandstats")
    return sum(told["calls"] for name, told in given.items() if name != "cmdstat_info")
