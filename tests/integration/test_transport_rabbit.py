"""The record in a user's RabbitMQ: bounded, durable, out of the way, and gone when nobody uses it."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import pytest
from kombu import Connection

from celeriac.errors import TransportUnavailableError
from celeriac.transport import Inlet, Limits, Outlet, open_inlet, open_outlet
from celeriac.transport.queue_line import NAME
from lab.celery import Producer
from lab.rabbit import RabbitServer
from lab.transport import without_record
from lab.wait import wait_until

pytestmark = pytest.mark.rabbitmq
LIMITS = Limits(size=1024 * 1024)


@pytest.fixture
def server(rabbit: RabbitServer) -> RabbitServer:
    """A server without the record's queue."""
    without_record(rabbit)
    return rabbit


def test_the_queue_keeps_the_newest_within_its_cap(server: RabbitServer) -> None:
    with closing(_outlet(server)) as outlet, closing(_inlet(server)) as inlet:
        for number in range(40):
            outlet.send(b"%02d" % number + b"x" * 50_000)
        assert _queues(server, "message_bytes")[NAME] <= LIMITS.size
        kept = inlet.receive(5.0, 100).deliveries
    assert 15 <= len(kept) <= 20
    assert [one.body[:2] for one in kept] == [b"%02d" % number for number in range(40 - len(kept), 40)]


def test_parcels_are_still_there_after_the_broker_was_killed(server: RabbitServer) -> None:
    with closing(_outlet(server)) as outlet:
        outlet.send(b"confirmed, so on disk")
    server.kill()
    server.start()
    with closing(_inlet(server)) as inlet:
        assert [one.body for one in inlet.receive(5.0, 10).deliveries] == [b"confirmed, so on disk"]


def test_a_queue_that_nobody_uses_is_gone_after_its_time(server: RabbitServer) -> None:
    with closing(_outlet(server, replace(LIMITS, ttl=1.0))) as outlet:
        outlet.send(b"confirmed, so the queue was there")
    wait_until(lambda: NAME not in _queues(server, "messages"), timeout=30, why="the queue to expire")


def test_a_sender_alone_keeps_its_queue(server: RabbitServer) -> None:
    """Were it not declared again and again, the queue would be gone and a send refused."""
    with closing(_outlet(server, replace(LIMITS, ttl=4.0))) as outlet:
        until = time.monotonic() + 6.0
        while time.monotonic() < until:
            outlet.send(b"parcel")
            time.sleep(0.1)


def test_a_queue_that_somebody_deleted_is_an_error_once_and_then_there_again(server: RabbitServer) -> None:
    with closing(_outlet(server)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"one")
        inlet.receive(1.0, 10)
        server.ctl("delete_queue", NAME)
        for end in (lambda: outlet.send(b"two"), lambda: inlet.receive(1.0, 10)):
            with pytest.raises(TransportUnavailableError):
                end()
        outlet.send(b"two")
        assert [one.body for one in inlet.receive(1.0, 10).deliveries] == [b"two"]


def test_a_queue_with_other_arguments_is_named(server: RabbitServer) -> None:
    with closing(_outlet(server)) as outlet:
        outlet.send(b"one")
    other = replace(LIMITS, size=2 * LIMITS.size)
    with closing(_outlet(server, other)) as outlet, pytest.raises(TransportUnavailableError, match="other arguments"):
        outlet.send(b"two")


def test_an_alarm_bounds_every_call_and_each_parcel_arrives_after_it(server: RabbitServer) -> None:
    with closing(_outlet(server)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"before")
        server.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            wait_until(lambda: "memory" in server.ctl("eval", "rabbit_alarm:get_alarms()."), why="the alarm")
            for _ in range(3):
                began = time.monotonic()
                with pytest.raises(TransportUnavailableError, match="memory or disk alarm"):
                    outlet.send(b"meanwhile")
                assert time.monotonic() - began < 10
        finally:
            server.ctl("set_vm_memory_high_watermark", "0.4")
        wait_until(lambda: _sends(outlet, b"after"), why="the alarm to end")
        came = [one.body for one in inlet.receive(2.0, 10).deliveries]
    assert came[0] == b"before"
    assert came[-1] == b"after"
    assert came.count(b"meanwhile") <= 1, "the broker was given every attempt"


def test_the_users_queues_stay_as_they_are(server: RabbitServer) -> None:
    with Producer(server.url) as producer:
        for _ in range(3):
            producer.send("noop", queue="users")
    with closing(_outlet(server)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"parcel")
        inlet.receive(1.0, 10)
        told = _queues(server, "messages")
        assert (told["users"], told[NAME]) == (3, 1)


def _outlet(server: RabbitServer, limits: Limits = LIMITS) -> Outlet:
    return open_outlet(Connection(server.url), limits=limits)


def _inlet(server: RabbitServer) -> Inlet:
    return open_inlet(Connection(server.url), reader="r", limits=LIMITS)


def _sends(outlet: Outlet, body: bytes) -> bool:
    try:
        outlet.send(body)
    except TransportUnavailableError:
        return False
    return True


def _queues(server: RabbitServer, figure: str) -> dict[str, int]:
    lines = server.ctl("list_queues", "--no-table-headers", "name", figure).splitlines()
    return {name: int(value) for name, _, value in (line.partition("\t") for line in lines)}
