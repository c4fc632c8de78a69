"""What the agent keeps while it cannot ship, and what it tells once it can."""

from __future__ import annotations

import pytest

from celeriac.agent.backlog import Backlog
from celeriac.agent.news import AGAIN_EVERY, ALIVE_EVERY, EDGES_LIMIT, News
from celeriac.agent.ship import READS_EVERY, ShipLoop
from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.evidence import Look
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.parcel import Parcel, Sender, unpack
from celeriac.testing.clock import FakeClock

SENDER = Sender("boot", "agent", "host", 7, "host", 100.0)


def level(at: float, rss: int = 1, *, what: str = "process", name: str = "p") -> Evidence:
    return Evidence(name, at, "process", what, "host", "a fact", "how", data={"rss": rss})


def edge(name: str, at: float = 1.0) -> Evidence:
    return Evidence(name, at, "process", "process-gone", "host", "a fact", "how")


class FakeOutlet:
    """Keeps what is sent, or refuses it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.error: TransportError | None = None
        self.closed = False

    def send(self, parcel: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(parcel)

    def close(self) -> None:
        self.closed = True

    @property
    def parcels(self) -> list[Parcel]:
        return [unpack(body, 0.0) for body in self.sent]


def shipping(backlog: Backlog, outlet: FakeOutlet) -> ShipLoop:
    return ShipLoop(SENDER, backlog, lambda: outlet, FakeClock(100.0))


def told(parcels: list[Parcel]) -> list[str]:
    return [one.id for parcel in parcels for one in parcel.evidence]


class TestNews:
    def test_an_edge_is_told_once(self) -> None:
        news = News()
        assert [len(news.of((edge("a", at),))) for at in (1.0, 2.0, 900.0)] == [1, 0, 0]

    def test_a_level_is_told_when_anything_but_its_time_changed(self) -> None:
        news = News()
        looks = (level(1.0), level(1.5), level(1.6, rss=2), level(1.7, rss=2))
        assert [len(news.of((one,))) for one in looks] == [1, 0, 1, 0]

    @pytest.mark.parametrize(("what", "every"), [("process", ALIVE_EVERY), ("container", AGAIN_EVERY)])
    def test_an_unchanged_level_is_told_again_as_a_sign_of_life(self, what: str, every: float) -> None:
        news = News()
        looks = (level(10.0, what=what), level(10.0 + every - 0.1, what=what), level(10.0 + every, what=what))
        assert [len(news.of((one,))) for one in looks] == [1, 0, 1]

    def test_a_clock_that_was_set_back_silences_nothing(self) -> None:
        news = News()
        assert [len(news.of((one,))) for one in (level(900.0), level(10.0))] == [1, 1]

    def test_what_it_remembers_is_bounded(self) -> None:
        news = News()
        news.of(tuple(edge(str(number)) for number in range(EDGES_LIMIT + 1)))
        assert len(news.of((edge("0"), edge(str(EDGES_LIMIT))))) == 1


class TestShipping:
    def test_what_was_seen_goes_with_how_far_was_read(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        backlog.add("process", Look((edge("a"), level(1.0))), 1.0)
        backlog.add("kernel", Look(blind_spots=(BlindSpot("kernel log", "closed", "a cause"),)), 1.1)
        shipping(backlog, outlet).step(2.0)
        (parcel,) = outlet.parcels
        assert (parcel.first, parcel.size, parcel.sent_at) == (1, 2, 2.0)
        assert dict(parcel.reads) == {"process": 1.0}
        assert [spot.what for spot in parcel.blind_spots] == ["kernel log"]

    def test_how_far_was_read_is_told_twice_a_second_though_nothing_was_seen(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        loop = shipping(backlog, outlet)
        for now in (1.0, 1.1, 1.4, 1.0 + READS_EVERY):
            backlog.add("process", Look(), now)
            loop.step(now)
        assert [dict(parcel.reads)["process"] for parcel in outlet.parcels] == [1.0, 1.5]
        assert [(parcel.first, parcel.size) for parcel in outlet.parcels] == [(1, 0), (1, 0)]

    def test_a_read_is_never_told_before_all_that_it_saw(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        backlog.add("process", Look(tuple(edge(str(number)) for number in range(1_200))), 1.0)
        loop = shipping(backlog, outlet)
        while loop.step(2.0):
            assert dict(outlet.parcels[-1].reads) == {}
        assert dict(outlet.parcels[-1].reads) == {"process": 1.0}
        assert len(outlet.parcels) > 2
        assert told(outlet.parcels) == [str(number) for number in range(1_200)]
        assert [parcel.first for parcel in outlet.parcels[1:]] == [one.first + one.size for one in outlet.parcels[:-1]]

    def test_while_the_broker_is_away_edges_are_kept_and_of_a_level_its_newest_look(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        loop, outlet.error = shipping(backlog, outlet), TransportUnavailableError("away")
        for second in range(1, 50):
            backlog.add("process", Look((edge(f"e{second}"), level(float(second), rss=second))), float(second))
            with pytest.raises(TransportUnavailableError):
                loop.step(float(second))
        outlet.error = None
        while loop.step(50.0):
            pass
        ids = told(outlet.parcels)
        assert [one for one in ids if one != "p"] == [f"e{second}" for second in range(1, 50)]
        assert ids.count("p") == 2
        assert {parcel.sent_at for parcel in outlet.parcels} == {50.0}
        assert dict(outlet.parcels[-1].reads) == {"process": 49.0}

    def test_beyond_its_bounds_the_oldest_edges_go_first_and_are_counted(self) -> None:
        backlog, outlet = Backlog(items=10), FakeOutlet()
        backlog.add("process", Look(tuple(edge(str(number)) for number in range(25))), 1.0)
        shipping(backlog, outlet).step(2.0)
        (parcel,) = outlet.parcels
        assert told([parcel]) == [str(number) for number in range(15, 25)]
        assert (parcel.first, parcel.dropped) == (16, 15)

    def test_a_parcel_that_will_never_be_taken_is_counted_and_the_next_one_goes(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        loop, outlet.error = shipping(backlog, outlet), TransportError("too big")
        backlog.add("process", Look((edge("a"),)), 1.0)
        loop.step(1.0)
        outlet.error = None
        backlog.add("process", Look((edge("b"),)), 2.0)
        loop.step(2.0)
        (parcel,) = outlet.parcels
        assert (told([parcel]), parcel.first, parcel.dropped) == (["b"], 2, 1)

    def test_at_the_end_the_rest_is_shipped_and_that_nothing_follows(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        loop = shipping(backlog, outlet)
        backlog.add("process", Look((edge("a"),)), 1.0)
        loop.close()
        assert [parcel.last for parcel in outlet.parcels] == [False, True]
        assert (told(outlet.parcels), outlet.closed) == (["a"], True)

    def test_a_broker_that_is_away_holds_up_no_stop(self) -> None:
        backlog, outlet = Backlog(), FakeOutlet()
        loop, outlet.error = shipping(backlog, outlet), TransportUnavailableError("away")
        backlog.add("process", Look((edge("a"),)), 1.0)
        loop.close()
        assert outlet.sent == []
