"""Redis in all its shapes, with a real worker on each: what is looked at, asked, heard and searched for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from celeriac.brokers import EventStream
from celeriac.brokers.redis import RedisBroker
from celeriac.errors import BrokerError, BrokerUnavailableError
from celeriac.model.sighting import Place, Search, Wanted
from lab.broker import opened
from lab.celery import Producer, Worker
from lab.need import need
from lab.port import free_port
from lab.redis import RedisServer
from lab.sentinel import MASTER, Sentinels
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def test_sentinels_lead_to_the_primary_and_to_the_next_one_after_a_failover() -> None:
    with Sentinels() as sentinels, opened(sentinels.url, sentinel_master=MASTER) as broker:
        _all_is_seen(broker, sentinels.url, sentinels.conf)
        assert broker.look(time.time()).address == f"127.0.0.1:{sentinels.primary.port}"
        with closing(broker.events()) as events:
            _current(events)
            sentinels.fail_over()
            wait_until(lambda: _address(broker) == f"127.0.0.1:{sentinels.replica.port}", timeout=20, why="the look")
            wait_until(lambda: _reconnected(events), timeout=20, why="the events to go on")
        with Producer(sentinels.url, sentinels.conf) as producer:
            waiting = producer.send("noop", queue="after")
        broker.look(time.time())
        assert _searched(broker, waiting, queue="after").found == {waiting: Place("ready", "after", 1)}


def test_sentinels_that_know_no_such_primary_say_so() -> None:
    with (
        Sentinels() as sentinels,
        opened(sentinels.url, sentinel_master="other") as broker,
        pytest.raises(BrokerError, match="know no primary named 'other'"),
    ):
        broker.look(time.time())


def test_sentinels_that_are_all_gone_are_unreachable() -> None:
    url = f"sentinel://127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
    with opened(url, sentinel_master=MASTER) as broker, pytest.raises(BrokerUnavailableError) as raised:
        broker.look(time.time())
    assert raised.value.cause == "down"


def test_tls_with_a_checked_certificate(tmp_path: Path) -> None:
    authority, certificate, key = _certificate(tmp_path)
    port = free_port()
    options = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    with RedisServer(*options, "--tls-ca-cert-file", str(authority), "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={authority}"
        with opened(url) as broker:
            _all_is_seen(broker, url)


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", str(path)):
        url = f"redis+socket://{path}?virtual_host=3"
        with opened(url) as broker:
            _all_is_seen(broker, url)


def test_apps_on_one_redis_are_told_apart_by_database_and_prefix() -> None:
    """The third app has the first one's database and a prefix of its own: to one without a prefix its keys are queues
    with longer names."""
    with RedisServer() as server:
        second = server.url.removesuffix("/0") + "/1"
        prefixed = {"broker_transport_options": {"global_keyprefix": "third:"}}
        with Producer(server.url) as one, Producer(second) as two, Producer(server.url, prefixed) as three:
            ids = [app.send("noop", queue="parcels") for app in (one, two, three)]
        first, last = Place("ready", "parcels", 1), Place("ready", "third:parcels", 1)
        expected = (
            (server.url, "", {ids[0]: first, ids[2]: last}),
            (second, "", {ids[1]: first}),
            (server.url, "third:", {ids[2]: first}),
        )
        for url, prefix, found in expected:
            with opened(url, global_keyprefix=prefix) as broker:
                look = broker.look(time.time())
                assert {queue.queue: queue.ready for queue in look.queues}["parcels"] == 1
                search = _searched(broker, *ids, queue="parcels")
                assert search.found == found
                assert search.absent == set(ids) - set(found)


def test_a_prefix_is_kept_in_everything() -> None:
    with RedisServer() as server:
        conf = {"broker_transport_options": {"global_keyprefix": "mine:"}}
        with opened(server.url, global_keyprefix="mine:") as broker:
            _all_is_seen(broker, server.url, conf)
            assert all(not queue.queue.startswith("mine:") for queue in broker.look(time.time()).queues)


def test_apps_that_share_their_unacknowledged_messages_are_seen_as_one() -> None:
    """One hash holds both apps' messages (kombu/transport/redis.py, `unacked_key`): each is found, in its queue."""
    with RedisServer() as server, opened(server.url) as broker, Producer(server.url) as producer:
        held = {queue: producer.send("noop", queue=queue, countdown=3600) for queue in ("mine", "theirs")}
        with _worker(server.url, "mine"), _worker(server.url, "theirs"):
            client = server.client()
            wait_until(lambda: client.hlen("unacked") == 2, timeout=20, why="both workers to hold theirs")
            broker.look(time.time())
            found = _searched(broker, *held.values(), queue="mine").found
    assert found == {task_id: Place("unacked", queue) for queue, task_id in held.items()}


def _all_is_seen(broker: RedisBroker, url: str, conf: Mapping[str, Any] | None = None) -> None:
    """Look, events, ask and search over a worker that holds one task and ran another."""
    node = f"w-{uuid4()}@lab"
    with closing(broker.events()) as events, Producer(url, conf) as producer:
        _current(events)
        with Worker(url, concurrency=1, node=node, conf=conf, queues=("celery",)):
            done, held = producer.send("noop"), producer.send("noop", countdown=3600)
            waiting = producer.send("noop", queue="idle")
            kinds: dict[str, set[str]] = {done: set(), held: set()}
            wait_until(lambda: _hear(events, kinds), timeout=20, why="the events of both")
            assert [worker.node for worker in broker.ask(time.time())] == [node]
            look = broker.look(time.time())
            assert [one.task_id for one in look.held or ()] == [held]
            search = _searched(broker, done, held, waiting)
            assert search.found == {held: Place("unacked", "celery"), waiting: Place("ready", "idle", 1)}
            assert search.absent == {done}


def _hear(events: EventStream, kinds: dict[str, set[str]]) -> bool:
    done, held = kinds.values()
    for event in events.read(0.2, 100).events:
        if event.task_id in kinds:
            kinds[event.task_id].add(event.kind)
    return "task-succeeded" in done and "task-received" in held


def _current(events: EventStream) -> None:
    wait_until(lambda: events.read(0.2, 100).current, timeout=10, why="the subscription")


def _reconnected(events: EventStream) -> bool:
    try:
        return events.read(0.2, 100).reconnected
    except BrokerUnavailableError:
        return False


def _address(broker: RedisBroker) -> str | None:
    try:
        return broker.look(time.time()).address
    except BrokerError:
        return None


def _searched(broker: RedisBroker, *ids: str, queue: str = "celery") -> Search:
    search = broker.search(Wanted(dict.fromkeys(ids, queue)), time.time())
    assert search.done
    return search


def _worker(url: str, queue: str) -> Worker:
    return Worker(url, concurrency=1, node=f"w-{uuid4()}@lab", queues=(queue,))


def _certificate(directory: Path) -> tuple[Path, Path, Path]:
    """An authority, and a certificate of 127.0.0.1 with its key."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(
        [
            *(need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, certificate, key
