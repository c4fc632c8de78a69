"""The two small places at the broker that the poison guard needs: a shared count, and where messages are set aside."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kombu import Connection

from celeriac.errors import TransportUnavailableError
from celeriac.transport.base import Delivery
from celeriac.transport.cap import Limits
from celeriac.transport.lives import open_lives
from celeriac.transport.park import Park, open_park
from celeriac.transport.tally import MOST, Tally, open_tally
from lab.port import free_port
from lab.rabbit import RabbitServer
from lab.redis import RedisServer
from lab.wait import wait_until


@pytest.fixture(scope="module", params=[pytest.param("redis", marks=pytest.mark.redis), "rabbit"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with (RedisServer if request.param == "redis" else RabbitServer)() as server:
        yield server.url


@contextmanager
def tally(url: str) -> Iterator[Tally]:
    with Connection(url) as connection:
        found = open_tally(connection, patience=3.0)
        yield found
        found.close()


@contextmanager
def park(url: str) -> Iterator[Park]:
    with Connection(url) as connection:
        found = open_park(connection)
        yield found
        found.close()


def drained(found: Park) -> set[bytes]:
    """All that is there, acknowledged."""
    bodies: set[bytes] = set()

    def empty() -> bool:
        got = found.read(50)
        bodies.update(one.body for one in got)
        found.acknowledge(tuple(one.tag for one in got))
        return not got

    wait_until(empty, why="the park to be empty")
    return bodies


def test_notes_are_shared_and_each_mark_counts_once(url: str) -> None:
    key = uuid.uuid4().hex
    with tally(url) as one, tally(url) as other:
        assert one.notes(key) == ()
        assert one.add(key, "a", b"1") == (b"1",)
        assert one.add(key, "a", b"again") == (b"1",)
        assert sorted(other.add(key, "b", b"2")) == [b"1", b"2"]
        assert sorted(one.notes(key)) == [b"1", b"2"]
        assert one.notes("other" + key) == ()


def test_a_count_is_bounded(url: str) -> None:
    key = uuid.uuid4().hex
    with tally(url) as one:
        for number in range(MOST + 3):
            one.add(key, str(number), b"x")
        assert len(one.notes(key)) == MOST


def test_what_was_set_aside_stays_until_it_is_acknowledged(url: str) -> None:
    with park(url) as one:
        one.park("k1", b"first")
        one.park("k2", b"second" * 50_000)
    with park(url) as unlucky:
        assert {one.body for one in unlucky.read(10)} == {b"first", b"second" * 50_000}
    with park(url) as reader:
        assert drained(reader) == {b"first", b"second" * 50_000}
        assert reader.read(10) == ()


def test_it_is_paged(url: str) -> None:
    with park(url) as one:
        for number in range(1200):
            one.park(f"p{number}", b"%d" % number)
        assert drained(one) == {b"%d" % number for number in range(1200)}


def test_a_broker_that_is_away_is_said_within_the_patience() -> None:
    for kind in ("redis", "amqp"):
        with Connection(f"{kind}://127.0.0.1:{free_port()}//") as connection:
            with pytest.raises(TransportUnavailableError):
                open_tally(connection, patience=0.5).notes("x")
            with pytest.raises(TransportUnavailableError):
                open_park(connection, limits=Limits(patience=0.5)).park("x", b"y")


@pytest.mark.redis
def test_a_message_set_aside_twice_is_one_on_redis_and_keys_have_the_apps_prefix() -> None:
    with (
        RedisServer() as server,
        Connection(server.url, transport_options={"global_keyprefix": "shop:"}) as connection,
    ):
        one, notes = open_park(connection), open_tally(connection, patience=3)
        one.park("k", b"a")
        one.park("k", b"b")
        assert one.read(10) == (Delivery("k", b"a"),)
        notes.add("id", "m", b"n")
        lives = open_lives(connection, patience=3)
        assert lives is not None
        lives.beat("boot", b"{}")
        (beat,) = lives.read()
        assert (beat.boot, beat.body) == ("boot", b"{}") and 0 <= beat.age < 30
        keys = set(server.client().keys())
        assert keys == {b"shop:celeriac:parked", b"shop:celeriac:deaths:id", b"shop:celeriac:running"}
        lives.leave("boot")
        assert lives.read() == ()
        for opened in (one, notes, lives):
            opened.close()
