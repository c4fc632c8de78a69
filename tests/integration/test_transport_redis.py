"""The record in a user's Redis: bounded, out of the way, and gone when nobody uses it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
import redis
from kombu import Connection

from celeriac.errors import TransportUnavailableError
from celeriac.transport import Delivery, Inlet, Limits, Outlet, open_inlet, open_outlet
from lab.broker import opened
from lab.celery import Producer
from lab.redis import RedisServer, ValkeyServer
from lab.wait import wait_until

KEY = "celeriac:record"
MEBIBYTE = 1024 * 1024
SMALL = Limits(size=MEBIBYTE)


@pytest.fixture(params=[pytest.param(RedisServer, marks=pytest.mark.redis), ValkeyServer], ids=["redis", "valkey"])
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., RedisServer]]:
    """Starts a server; gone at the end."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(request.param(**options))


def test_many_writers_together_stay_under_the_cap_and_keep_the_newest(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    client = server.client()
    sizes: list[int] = []
    writers = [threading.Thread(target=_write, args=(server, seed)) for seed in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        sizes.append(_takes(client))
        writers[0].join(0.005)
    for writer in writers:
        writer.join()
    sizes.append(_takes(client))
    assert max(sizes) <= SMALL.size, max(sizes)
    assert sizes[-1] > SMALL.size / 3, "the cap throws away what there was room for"
    with closing(_inlet(server)) as inlet:
        assert _all(inlet)[-1].startswith(b"last:")


def test_small_parcels_before_large_ones_do_not_loosen_the_cap(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    client = server.client()
    with closing(_outlet(server, SMALL)) as outlet:
        for _ in range(1500):
            outlet.send(b"s" * 100)
        for _ in range(20):
            outlet.send(b"l" * 200_000)
            assert _takes(client) <= SMALL.size, _takes(client)


def test_the_record_takes_no_more_than_its_share_of_maxmemory(serve: Callable[..., RedisServer]) -> None:
    server = serve(maxmemory="40mb")
    client = server.client()
    with closing(_outlet(server, Limits())) as outlet:
        for _ in range(60):
            outlet.send(b"x" * 100_000)
    assert MEBIBYTE < _takes(client) <= 0.05 * 40 * MEBIBYTE


def test_shipping_waits_while_the_users_own_data_needs_the_memory(serve: Callable[..., RedisServer]) -> None:
    server = serve(maxmemory="20mb")
    client = server.client()
    with closing(_outlet(server, Limits(look=0.0))) as outlet:
        outlet.send(b"room")
        for number in range(18):
            client.set(f"users{number}", b"u" * 900_000)
        with pytest.raises(TransportUnavailableError, match="80% of its maxmemory"):
            outlet.send(b"no room")
        assert (client.dbsize(), client.xlen(KEY)) == (18 + 3, 1)
        client.delete("users0", "users1", "users2", "users3")
        outlet.send(b"room again")
    assert client.xlen(KEY) == 2


def test_a_full_server_is_an_error_that_says_so(serve: Callable[..., RedisServer]) -> None:
    server = serve(maxmemory="20mb")
    client = server.client()
    with closing(_outlet(server, Limits(look=1000.0))) as outlet:
        outlet.send(b"room")
        client.config_set("maxmemory", "100kb")
        with pytest.raises(TransportUnavailableError, match="is full"):
            outlet.send(b"no room")


def test_what_nobody_uses_is_gone_after_its_time(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    client = server.client()
    shortly = replace(SMALL, ttl=1.5)
    with closing(_outlet(server, shortly)) as outlet, closing(_inlet(server, shortly)) as inlet:
        for _ in range(4):
            outlet.send(b"used")
            assert client.exists(KEY) == 1
            time.sleep(0.5)
        _all(inlet)
    wait_until(lambda: not client.keys("*"), why="nothing to be left")


def test_a_reader_alone_leaves_nothing_either(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    with closing(_inlet(server, replace(SMALL, ttl=0.3))) as inlet:
        inlet.receive(0.0, 10)
    wait_until(lambda: not server.client().keys("*"), why="nothing to be left")


def test_the_stream_is_empty_once_all_is_acknowledged(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    client = server.client()
    with closing(_outlet(server, SMALL)) as outlet, closing(_inlet(server)) as inlet:
        for _ in range(100):
            outlet.send(b"x" * 5_000)
            inlet.acknowledge(tuple(one.tag for one in inlet.receive(1.0, 10).deliveries))
        assert client.xlen(KEY) == 0
        assert _takes(client) < 10_000
        assert client.xpending(KEY, "celeriac")["pending"] == 0


def test_the_users_queues_stay_as_they_are_and_the_prefix_is_kept(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    client = server.client()
    with Producer(server.url) as producer:
        for _ in range(3):
            producer.send("noop")
    before = {key: client.dump(key) for key in client.scan_iter()}
    connection = Connection(server.url, transport_options={"global_keyprefix": "app:"})
    with closing(open_outlet(connection)) as outlet, closing(open_inlet(connection, reader="r")) as inlet:
        outlet.send(b"parcel")
        assert _all(inlet) == [b"parcel"]
        names = {one["name"] for one in client.client_list()}
    assert "celeriac" in names
    assert {key: client.dump(key) for key in before} == before
    assert set(client.keys()) - set(before) == {
        f"app:{name}".encode() for name in (KEY, f"{KEY}:bytes", f"{KEY}:begun")
    }


def test_our_connections_are_not_taken_for_workers(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    with closing(_inlet(server)) as inlet, opened(server.url) as broker:
        reading = threading.Thread(target=inlet.receive, args=(1.0, 10))
        reading.start()
        try:
            wait_until(lambda: "b" in [one["flags"] for one in server.client().client_list()], why="a blocked reader")
            assert broker.look(time.time()).consumers == ()
        finally:
            reading.join()


def test_another_readers_parcels_keep_this_one_from_being_current(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    limits = replace(SMALL, idle=2.0)
    with (
        closing(_outlet(server, SMALL)) as outlet,
        closing(_inlet(server, limits, "one")) as one,
        closing(_inlet(server, limits, "two")) as two,
    ):
        two.receive(0.0, 10)
        outlet.send(b"held")
        assert [delivery.body for delivery in one.receive(1.0, 10).deliveries] == [b"held"]
        assert not two.receive(0.0, 10).current
        taken = wait_until(lambda: two.receive(0.1, 10).deliveries, why="the parcel to be taken over")
        two.acknowledge(tuple(delivery.tag for delivery in taken))
        assert two.receive(0.0, 10).current


def test_what_is_trimmed_in_a_readers_hands_is_passed_over(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    with closing(_outlet(server, SMALL)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"trimmed")
        inlet.receive(1.0, 10)
        for _ in range(6):
            outlet.send(b"x" * 200_000)
        inlet.close()
        assert set(_all(inlet)) == {b"x" * 200_000}
        assert server.client().xpending(KEY, "celeriac")["pending"] == 0


def test_a_tag_from_before_a_restart_without_a_disk_takes_nothing_new_away(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    with closing(_outlet(server, SMALL)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"before")
        (old,) = _wait_for_one(inlet)
        server.kill()
        server.start()
        outlet.send(b"after!")
        inlet.acknowledge((old.tag,))
        assert [delivery.body for delivery in _wait_for_one(inlet)] == [b"after!"]


@pytest.mark.parametrize("gone", [(f"{KEY}:bytes",), (KEY,), (KEY, f"{KEY}:bytes")])
def test_a_deleted_key_costs_nothing_that_was_sent_of_late(serve: Callable[..., RedisServer], gone: tuple[str]) -> None:
    server = serve()
    with closing(_outlet(server, SMALL)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"one")
        assert _all(inlet) == [b"one"]
        outlet.send(b"two")
        server.client().delete(*gone)
        outlet.send(b"three")
        assert {b"two", b"three"} <= set(_all(inlet))


def _write(server: RedisServer, seed: int) -> None:
    sizes = random.Random(seed)
    with closing(_outlet(server, SMALL)) as outlet:
        for _ in range(60):
            outlet.send(b"x" * int(10 ** sizes.uniform(1.0, 5.2)))
        outlet.send(b"last:%d" % seed)


def _takes(client: redis.Redis) -> int:
    """Bytes the stream takes, exactly: every node is looked at."""
    return int(client.memory_usage(KEY, samples=0) or 0)


def _outlet(server: RedisServer, limits: Limits) -> Outlet:
    return open_outlet(Connection(server.url), limits=limits)


def _inlet(server: RedisServer, limits: Limits = SMALL, reader: str = "r") -> Inlet:
    return open_inlet(Connection(server.url), reader=reader, limits=limits)


def _wait_for_one(inlet: Inlet) -> tuple[Delivery, ...]:
    return wait_until(lambda: inlet.receive(0.2, 1).deliveries, why="a parcel")


def test_what_was_sent_just_before_the_server_lost_its_data_is_sent_again(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    with closing(_outlet(server, SMALL)) as outlet, closing(_inlet(server)) as inlet:
        for number in range(3):
            outlet.send(f"before:{number}".encode())
        server.client().flushall()
        outlet.send(b"after")
        assert set(_all(inlet)) == {b"before:0", b"before:1", b"before:2", b"after"}


def test_what_was_evicted_alone_is_sent_again_though_the_reader_made_the_stream_anew(
    serve: Callable[..., RedisServer],
) -> None:
    server = serve()
    with closing(_outlet(server, SMALL)) as outlet, closing(_inlet(server)) as inlet:
        outlet.send(b"before")
        server.client().delete(KEY)
        assert _all(inlet) == []
        outlet.send(b"after")
        assert set(_all(inlet)) == {b"before", b"after"}
        outlet.send(b"later")
        assert _all(inlet) == [b"later"]
        server.client().delete(f"{KEY}:begun")
        outlet.send(b"last")
        outlet.send(b"very last")
        assert _all(inlet)[-1] == b"very last"


def test_while_the_server_keeps_its_data_nothing_is_sent_twice(serve: Callable[..., RedisServer]) -> None:
    server = serve()
    with (
        closing(_outlet(server, SMALL)) as outlet,
        closing(_outlet(server, SMALL)) as other,
        closing(_inlet(server)) as inlet,
    ):
        for number in range(50):
            (outlet, other)[number % 2].send(f"parcel:{number}".encode())
        bodies = _all(inlet)
        assert len(bodies) == len(set(bodies)) == 50


def _all(inlet: Inlet) -> list[bytes]:
    """Everything there is, acknowledged."""
    bodies: list[bytes] = []
    while True:
        received: Any = inlet.receive(0.0, 1000)
        inlet.acknowledge(tuple(one.tag for one in received.deliveries))
        bodies += [one.body for one in received.deliveries]
        if received.current:
            return bodies
