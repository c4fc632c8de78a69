"""What every pair of transport ends must do, as three test suites, each on top of the other.

Subclass the one that fits: `TransportContract` for anything that carries parcels in order, `GivesBackContract` where
what was not acknowledged comes again, `ServerContract` where the broker is a server that can stop and hang. Give a
`stage` fixture with an empty broker, and run pytest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pytest

from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.transport import Delivery, Inlet, Outlet

BOUND = 10.0
"""Seconds any call may take, whatever happens to the broker."""
SIZE = 1024 * 1024
"""Bytes that a stage's ends are limited to."""


class TransportStage(Protocol):
    """An empty broker, and ends for it that are limited to `SIZE` and take over what another left after 1 s."""

    def outlet(self) -> Outlet:
        """A new sending end."""
        ...

    def inlet(self, reader: str) -> Inlet:
        """A new receiving end."""
        ...


class ServerStage(TransportStage, Protocol):
    """A broker that is a server."""

    secret: str
    """The password that the ends need; it may appear nowhere."""

    def write(self, body: bytes) -> None:
        """Put `body` where parcels are, as a stranger would."""
        ...

    def stop(self) -> None:
        """End the server."""
        ...

    def start(self) -> None:
        """Start it again at the same address."""
        ...

    def pause(self) -> None:
        """Let it hang: connections stay up, nothing answers."""
        ...

    def resume(self) -> None:
        """Let it go on."""
        ...


class TransportContract:
    """Carrying."""

    @pytest.fixture
    def outlet(self, stage: TransportStage) -> Iterator[Outlet]:
        """A sending end."""
        with closing(stage.outlet()) as outlet:
            yield outlet

    @pytest.fixture
    def inlet(self, stage: TransportStage) -> Iterator[Inlet]:
        """A receiving end that has connected."""
        with closing(stage.inlet("one")) as inlet:
            inlet.receive(0.1, 1)
            yield inlet

    def test_parcels_arrive_as_they_were_and_in_order(self, outlet: Outlet, inlet: Inlet) -> None:
        bodies = [b"first", b"", bytes(range(256)), b'{"\xc3\xa4": 1}', b"last"]
        for body in bodies:
            outlet.send(body)
        assert _bodies(_take(inlet, 5)) == bodies

    def test_a_parcel_of_256_kilobytes_arrives(self, outlet: Outlet, inlet: Inlet) -> None:
        body = bytes(range(256)) * 1024
        outlet.send(body)
        assert _bodies(_take(inlet, 1)) == [body]

    def test_what_was_sent_before_anybody_read_arrives(self, stage: TransportStage, outlet: Outlet) -> None:
        outlet.send(b"early")
        with closing(stage.inlet("late")) as inlet:
            assert _bodies(_take(inlet, 1)) == [b"early"]

    def test_an_idle_read_is_empty_and_current(self, inlet: Inlet) -> None:
        before = time.time()
        received = inlet.receive(0.1, 10)
        assert (received.deliveries, received.current) == ((), True)
        assert before <= received.began <= time.time()

    def test_a_read_gives_no_more_than_asked_and_is_not_current_before_the_rest(
        self, outlet: Outlet, inlet: Inlet
    ) -> None:
        for number in range(5):
            outlet.send(b"%d" % number)
        first = inlet.receive(5.0, 3)
        assert (len(first.deliveries), first.current) == (3, False)
        rest = inlet.receive(5.0, 3)
        assert (_bodies(rest.deliveries), rest.current) == ([b"3", b"4"], True)

    def test_many_senders_lose_nothing(self, stage: TransportStage, inlet: Inlet) -> None:
        outlets = [stage.outlet() for _ in range(3)]
        for number in range(10):
            for who, outlet in enumerate(outlets):
                outlet.send(b"%d:%d" % (who, number))
        for outlet in outlets:
            outlet.close()
        came = _bodies(_take(inlet, 30))
        for who in range(3):
            assert [body for body in came if body.startswith(b"%d:" % who)] == [b"%d:%d" % (who, n) for n in range(10)]

    def test_a_parcel_over_the_cap_is_refused_for_good(self, outlet: Outlet, inlet: Inlet) -> None:
        with pytest.raises(TransportError) as raised:
            outlet.send(bytes(SIZE + 1))
        assert not raised.value.retryable
        outlet.send(b"small")
        assert _bodies(_take(inlet, 1)) == [b"small"]

    def test_closing_twice_does_no_harm_and_an_end_opens_again(self, outlet: Outlet, inlet: Inlet) -> None:
        outlet.send(b"before")
        _acknowledge(inlet, _take(inlet, 1))
        for end in (outlet, inlet):
            end.close()
            end.close()
        outlet.send(b"after")
        assert _bodies(_take(inlet, 1)) == [b"after"]


class GivesBackContract(TransportContract):
    """Nothing is forgotten before it was acknowledged."""

    def test_what_was_not_acknowledged_comes_again_first_after_a_restart(
        self, stage: TransportStage, outlet: Outlet, inlet: Inlet
    ) -> None:
        for body in (b"a", b"b"):
            outlet.send(body)
        _take(inlet, 2)
        inlet.close()
        outlet.send(b"c")
        with closing(stage.inlet("one")) as again:
            assert _bodies(_take(again, 3)) == [b"a", b"b", b"c"]

    def test_what_another_reader_left_is_taken_over(self, stage: TransportStage, outlet: Outlet, inlet: Inlet) -> None:
        outlet.send(b"left")
        _take(inlet, 1)
        inlet.close()
        with closing(stage.inlet("two")) as other:
            assert _bodies(_take(other, 1)) == [b"left"]

    def test_what_was_acknowledged_never_comes_again(self, stage: TransportStage, outlet: Outlet, inlet: Inlet) -> None:
        for body in (b"a", b"b", b"c"):
            outlet.send(body)
        a, b, _ = _take(inlet, 3)
        _acknowledge(inlet, [a, b])
        inlet.close()
        with closing(stage.inlet("one")) as again:
            left = _take(again, 1)
            assert _bodies(left) == [b"c"]
            _acknowledge(again, left)
        with closing(stage.inlet("two")) as other:
            assert other.receive(0.5, 10).deliveries == ()

    def test_an_old_tag_acknowledges_nothing(self, outlet: Outlet, inlet: Inlet) -> None:
        outlet.send(b"old")
        (old,) = _take(inlet, 1)
        inlet.close()
        _acknowledge(inlet, _take(inlet, 1))
        outlet.send(b"new")
        (new,) = _take(inlet, 1)
        _acknowledge(inlet, [old])
        inlet.close()
        assert _bodies(_take(inlet, 1)) == [new.body]


class ServerContract(GivesBackContract):
    """A broker that stops, hangs and is written by strangers."""

    def test_a_strangers_bytes_arrive_and_harm_nobody(self, stage: ServerStage, outlet: Outlet, inlet: Inlet) -> None:
        stage.write(b"\xff\x00 no parcel")
        outlet.send(b"parcel")
        came = _bodies(_take(inlet, 2))
        assert came == [b"\xff\x00 no parcel", b"parcel"], came

    def test_a_broker_that_stopped_is_an_error_at_once_and_both_ends_recover(
        self, stage: ServerStage, outlet: Outlet, inlet: Inlet
    ) -> None:
        outlet.send(b"before")
        _acknowledge(inlet, _take(inlet, 1))
        stage.stop()
        for _ in range(2):
            self._both_fail(stage, outlet, inlet)
        stage.start()
        outlet.send(b"after")
        assert _until(inlet, b"after")

    def test_a_broker_that_hangs_is_an_error_within_seconds_and_both_ends_recover(
        self, stage: ServerStage, outlet: Outlet, inlet: Inlet
    ) -> None:
        outlet.send(b"before")
        _acknowledge(inlet, _take(inlet, 1))
        stage.pause()
        try:
            self._both_fail(stage, outlet, inlet)
        finally:
            stage.resume()
        outlet.send(b"after")
        assert _until(inlet, b"after")

    def _both_fail(self, stage: ServerStage, outlet: Outlet, inlet: Inlet) -> None:
        for call in (lambda: outlet.send(b"lost?"), lambda: inlet.receive(1.0, 1)):
            began = time.monotonic()
            with pytest.raises(TransportUnavailableError) as raised:
                call()
            assert time.monotonic() - began < BOUND
            assert stage.secret not in str(raised.value)


def _take(inlet: Inlet, count: int) -> list[Delivery]:
    """The next `count` parcels."""
    taken: list[Delivery] = []
    deadline = time.monotonic() + BOUND
    while len(taken) < count:
        assert time.monotonic() < deadline, f"only {_bodies(taken)} came"
        taken += inlet.receive(0.5, count - len(taken)).deliveries
    return taken


def _until(inlet: Inlet, body: bytes) -> bool:
    """True when `body` comes; what was under way in the outage may come before it."""
    deadline = time.monotonic() + BOUND
    while time.monotonic() < deadline:
        if body in _bodies(inlet.receive(0.5, 10).deliveries):
            return True
    return False


def _bodies(deliveries: tuple[Delivery, ...] | list[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


def _acknowledge(inlet: Inlet, deliveries: list[Delivery]) -> None:
    inlet.acknowledge(tuple(delivery.tag for delivery in deliveries))
