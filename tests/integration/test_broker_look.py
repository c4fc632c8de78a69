"""Looks at a real Redis that real workers use."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from celeriac.brokers import redis_queues, redis_unacked
from celeriac.brokers.redis import RedisBroker
from celeriac.brokers.redis_discovery import CALLS_PER_LOOK, PASS_EVERY, SCAN_COUNT
from celeriac.model.broker import BrokerLook
from celeriac.model.queue import QueueSample
from celeriac.transport.redis_outlet import RedisOutlet
from lab.broker import opened
from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


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


def _look(broker: RedisBroker) -> BrokerLook:
    return broker.look(time.time())


def _queue(look: BrokerLook, name: str) -> QueueSample:
    return next(sample for sample in look.queues if sample.queue == name)


def _held_ids(look: BrokerLook) -> list[str | None]:
    return [held.task_id for held in look.held or ()]


def _why(look: BrokerLook) -> str:
    return " | ".join(f"{spot.what}: {spot.why}" for spot in look.blind_spots)


def test_a_held_message_names_its_task_queue_and_delivery_time(server: RedisServer, producer: Producer) -> None:
    with Worker(server.url, concurrency=1, queues=("celery", "slow")), opened(server.url) as broker:
        before = time.time()
        producer.send("nap", 30)
        prefetched = producer.send("noop", queue="slow")
        look = wait_until(lambda: (one := _look(broker)) and _held_ids(one) == [prefetched] and one)
        assert look.held is not None
        (held,) = look.held
        assert (held.name, held.queue) == ("lab.noop", "slow")
        assert held.since is not None
        assert before <= held.since <= time.time()
        assert look.held_complete
        assert (_queue(look, "slow").unacked, _queue(look, "celery").unacked) == (1, 0)


def test_a_message_with_an_eta_is_held_with_it(server: RedisServer, producer: Producer) -> None:
    with Worker(server.url, pool="solo"), opened(server.url) as broker:
        producer.send("noop", countdown=3600)
        look = wait_until(lambda: (one := _look(broker)).held_count == 1 and one)
        assert look.held is not None
        assert look.held[0].eta is not None


def test_a_worker_is_one_who_waits_and_one_who_listens_and_we_are_neither(
    server: RedisServer, broker: RedisBroker
) -> None:
    events = broker.events()
    events.read(0.1, 1)
    assert _look(broker).consumers == ()
    with Worker(server.url, pool="solo", args=("--without-gossip",)) as worker:
        consumers = wait_until(lambda: (found := _look(broker).consumers) and len(found) == 2 and found)
        assert sum(one.waiting for one in consumers) == 1
        assert sum(one.subscribed for one in consumers) == 1
        worker.kill()
        wait_until(lambda: _look(broker).consumers == ())
    events.close()


def test_consumers_of_another_database_are_not_ours(server: RedisServer) -> None:
    with Worker(server.url, pool="solo"), opened(server.url.replace("/0", "/1")) as broker:
        assert _look(broker).consumers == ()


def test_a_queue_that_only_a_binding_names_is_there_and_empty(server: RedisServer, broker: RedisBroker) -> None:
    with Worker(server.url, pool="solo", queues=("quiet",)):
        assert _queue(_look(broker), "quiet").ready == 0


def test_a_queue_that_only_a_worker_names_is_counted(broker: RedisBroker) -> None:
    broker.watch_queues(["named", "w1@host.celery.pidbox"])
    assert [sample.queue for sample in _look(broker).queues] == ["named"]


def test_mailboxes_and_other_peoples_lists_are_no_queues(server: RedisServer, broker: RedisBroker) -> None:
    server.client().lpush("shopping", "milk")
    server.client().lpush("0b1c.reply.celery.pidbox", json.dumps({"headers": {}, "properties": {}}))
    with Worker(server.url, pool="solo"):
        assert [sample.queue for sample in _look(broker).queues] == ["celery"]


def test_a_found_queue_is_still_counted_when_its_list_is_gone(
    server: RedisServer, broker: RedisBroker, producer: Producer
) -> None:
    producer.send("noop", queue="burst")
    assert _queue(_look(broker), "burst").ready == 1
    server.client().delete("burst")
    assert _queue(_look(broker), "burst").ready == 0
    assert _queue(broker.look(time.time() + PASS_EVERY), "burst").ready == 0


def test_a_new_queue_is_found_at_the_next_pass(broker: RedisBroker, producer: Producer) -> None:
    at = time.time()
    assert broker.look(at).queues == ()
    producer.send("noop", queue="late")
    assert broker.look(at + 1).queues == ()
    assert _queue(broker.look(at + PASS_EVERY), "late").ready == 1


def test_custom_priority_steps_are_found(server: RedisServer, broker: RedisBroker) -> None:
    with Producer(server.url, {"broker_transport_options": {"priority_steps": list(range(10))}}) as producer:
        for priority in range(10):
            producer.send("noop", queue="fine", priority=priority)
    assert _queue(_look(broker), "fine").ready == 10


def test_the_oldest_is_the_one_that_has_stood_longest_over_all_priorities(
    broker: RedisBroker, producer: Producer
) -> None:
    at = time.time()
    starved = producer.send("noop", priority=9)
    assert _queue(broker.look(at), "celery").oldest_id == starved
    newest = producer.send("boom", priority=0)
    sample = _queue(broker.look(at + 1), "celery")
    assert (sample.oldest_id, sample.oldest_name, sample.newest_id) == (starved, "lab.noop", newest)


def test_a_global_keyprefix_separates_two_apps_on_one_database(server: RedisServer) -> None:
    prefixed = {"broker_transport_options": {"global_keyprefix": "app[1]-"}}
    with Producer(server.url, prefixed) as ours, Producer(server.url) as others:
        ours.send("noop", queue="mine")
        others.send("noop", queue="theirs")
    with opened(server.url, global_keyprefix="app[1]-") as broker:
        assert [sample.queue for sample in _look(broker).queues] == ["mine"]


def test_more_held_than_the_limit_is_told_and_counted(server: RedisServer, producer: Producer) -> None:
    with Worker(server.url, pool="solo"), opened(server.url, max_messages_per_look=2) as broker:
        ids = [producer.send("noop", countdown=3600) for _ in range(4)]
        look = wait_until(lambda: (one := _look(broker)).held_count == 4 and one)
        assert look.held is not None
        assert [held.task_id for held in look.held] == ids[:2]
        assert not look.held_complete
        assert _queue(look, "celery").unacked is None
        assert "max_messages_per_look" in _why(look)


def test_large_messages_are_fetched_within_a_budget(
    server: RedisServer, broker: RedisBroker, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_queues, "PEEK_BUDGET", 50_000)
    monkeypatch.setattr(redis_queues, "PEEK_CHUNK", 1)
    for number in range(3):
        producer.send("noop", "x" * 50_000, queue=f"heavy{number}")
    looks = [_look(broker) for _ in range(3)]
    assert all("messages are large" in _why(look) for look in looks)
    assert all(sample.ready == 1 for look in looks for sample in look.queues)
    named = {sample.queue for look in looks for sample in look.queues if sample.oldest_id}
    assert named == {"heavy0", "heavy1", "heavy2"}


def test_large_held_messages_are_fetched_within_a_budget(
    server: RedisServer, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_unacked, "BYTE_BUDGET", 1_000)
    monkeypatch.setattr(redis_unacked, "CHUNK", 1)
    with Worker(server.url, pool="solo"), opened(server.url) as broker:
        for _ in range(3):
            producer.send("noop", "x" * 2_000, countdown=3600)
        look = wait_until(lambda: (one := _look(broker)).held_count == 3 and one)
        assert look.held is not None
        assert len(look.held) == 1
        assert not look.held_complete


def test_an_orphan_without_index_entry_is_told(server: RedisServer, broker: RedisBroker) -> None:
    server.client().hset("unacked", "tag", json.dumps([{"properties": {}}, "", "celery"]))
    look = _look(broker)
    assert (look.held, look.held_count, look.held_complete) == ((), 1, False)
    assert "kombu never restores them" in _why(look)


def test_junk_in_queue_and_unacked_is_counted_and_named_none(
    server: RedisServer, broker: RedisBroker, producer: Producer
) -> None:
    producer.send("noop")
    _look(broker)
    client = server.client()
    client.rpush("celery", b"\xff\x00junk")
    client.hset("unacked", "tag", b"junk")
    client.zadd("unacked_index", {"tag": 5.0})
    look = _look(broker)
    assert _queue(look, "celery").ready == 2
    assert _queue(look, "celery").oldest_id is None
    assert _queue(look, "celery").newest_id is not None
    assert look.held is not None
    assert [(held.tag, held.task_id, held.since) for held in look.held] == [("tag", None, 5.0)]


def test_a_key_of_another_type_under_a_queues_name_is_unknown_not_zero(
    server: RedisServer, broker: RedisBroker
) -> None:
    server.client().set("odd", "text")
    broker.watch_queues(["odd"])
    look = _look(broker)
    assert look.queues == ()
    assert "WRONGTYPE" in _why(look)


def test_queues_over_the_limit_are_told(server: RedisServer, producer: Producer) -> None:
    for number in range(4):
        producer.send("noop", queue=f"q{number}")
    with opened(server.url, max_queues=3) as broker:
        look = _look(broker)
        assert len(look.queues) == 3
        assert "1 queues are over the limit" in _why(look)


def test_a_large_keyspace_is_walked_in_bounded_steps(server: RedisServer, broker: RedisBroker) -> None:
    client = server.client()
    keys = SCAN_COUNT * (CALLS_PER_LOOK + 10)
    client.eval("for i = 1, ARGV[1] do redis.call('SET', 'celery-task-meta-' .. i, '') end", 0, keys)
    client.config_resetstat()
    assert "first pass" in _why(_look(broker))
    scans = client.info("commandstats")["cmdstat_scan"]["calls"]
    assert scans <= CALLS_PER_LOOK
    wait_until(lambda: "first pass" not in _why(_look(broker)))


def test_memory_policy_persistence_and_role_are_seen() -> None:
    with (
        RedisServer(
            "--maxmemory-policy", "allkeys-lru", "--save", "60 1", "--appendonly", "yes", maxmemory="64mb"
        ) as server,
        opened(server.url) as broker,
    ):
        look = _look(broker)
        assert (look.max_memory, look.eviction_policy, look.evicted_keys) == (64 << 20, "allkeys-lru", 0)
        assert (look.persistence, look.role, look.kind) == ("aof+rdb", "master", "redis")
        assert look.used_memory
        assert look.clients
        assert look.max_clients


def test_a_replica_says_that_it_is_one(server: RedisServer) -> None:
    with RedisServer("--replicaof", "127.0.0.1", str(server.port)) as replica, opened(replica.url) as broker:
        assert _look(broker).role == "replica"


def test_a_record_that_begins_anew_dates_a_flush(server: RedisServer, broker: RedisBroker) -> None:
    assert _look(broker).record_since is None
    with closing(RedisOutlet(Connection(server.url))) as outlet:
        outlet.send(b"one")
        before = _look(broker).record_since
        server.client().flushall()
        flushed = time.time()
        outlet.send(b"two")
    after = _look(broker).record_since
    assert before is not None and after is not None
    assert before <= flushed <= after + 0.5
    assert after <= time.time()


def test_a_full_server_still_says_that_nothing_is_held(server: RedisServer, broker: RedisBroker) -> None:
    client = server.client()
    client.config_set("maxmemory", "1mb")
    look = _look(broker)
    assert (look.held, look.held_complete) == ((), True)
    client.config_set("maxmemory", "0")
    client.hset("unacked", "tag", "x")
    client.zadd("unacked_index", {"tag": 1.0})
    client.config_set("maxmemory", "1mb")
    assert _look(broker).held is None


def test_a_server_that_loads_its_data_is_seen_loading() -> None:
    with RedisServer("--appendonly", "yes", "--aof-use-rdb-preamble", "no") as server:
        client = server.client()
        client.eval("for i = 1, 20000 do redis.call('LPUSH', 'l', string.rep('x', 100)) end", 0)
        client.eval("for i = 1, 20000 do redis.call('SET', i, i) end", 0)
        server.kill()
        server.start("--key-load-delay", "500", ready=False)
        with opened(server.url) as broker:
            look = wait_until(lambda: _loading(broker))
        assert look.persistence == "aof", "though INFO denies it while that is read"
        assert look.held is None
        assert look.queues == ()
        assert "loading" in _why(look)


def _loading(broker: RedisBroker) -> BrokerLook | None:
    try:
        look = _look(broker)
    except Exception:  # noqa: BLE001 - not listening yet
        return None
    return look if look.loading else None


def test_what_a_user_may_not_see_is_a_blind_spot(server: RedisServer, producer: Producer) -> None:
    producer.send("noop")
    client: Any = server.client()
    client.execute_command(
        "ACL", "SETUSER", "viewer", "on", ">pw", "~celery*", "+@read", "+@connection", "-client|list", "+info"
    )
    with opened(server.url.replace("redis://", "redis://viewer:pw@")) as broker:
        broker.watch_queues(["celery"])
        look = _look(broker)
    assert _queue(look, "celery").ready == 1
    assert look.consumers is None
    assert look.held is None
    assert look.held_count is None
    assert look.persistence is None
    assert look.eviction_policy == "noeviction"
    assert {spot.what for spot in look.blind_spots} == {
        "broker persistence",
        "broker connections",
        "unacknowledged messages",
    }


def test_a_unix_socket_works(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = Path(tmp_path_factory.mktemp("s")) / "r.sock"
    with RedisServer("--unixsocket", str(path)), opened(f"redis+socket://{path}?virtual_host=1") as broker:
        assert _look(broker).role == "master"


def test_a_look_costs_few_commands_and_grows_with_queues_alone(server: RedisServer, broker: RedisBroker) -> None:
    with Producer(server.url) as producer:
        for number in range(20):
            producer.send("noop", queue=f"q{number}")
    at = time.time()
    broker.look(at)
    client = server.client()
    client.config_resetstat()
    broker.look(at + 1)
    stats = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()}
    assert calls["llen"] == 80
    assert calls["lindex"] == 40
    assert "keys" not in calls
    assert sum(calls.values()) < 140
