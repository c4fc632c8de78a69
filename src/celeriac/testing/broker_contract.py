"""What every broker adapter must do, as one test suite.

Subclass `BrokerContract`, give a `stage` fixture with a live, empty broker, and run pytest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Protocol

import pytest

from celeriac.brokers import Broker, EventBatch, EventStream
from celeriac.errors import BrokerUnavailableError
from celeriac.model.event import Event
from celeriac.model.queue import QueueSample
from celeriac.model.sighting import Place, Search, Wanted


class Stage(Protocol):
    """A live broker, and what Celery would do to it."""

    secret: str
    """The password that clients need; it may appear nowhere."""
    shows_messages: bool
    """True where a look can show the messages themselves: who stands at a queue's ends, what is held by whom."""

    def open(self) -> Broker:
        """A new adapter for it."""
        ...

    def publish(self, queue: str, priority: int = 0) -> str:
        """Publish a task; its id."""
        ...

    def emit(self, kind: str, task_id: str) -> None:
        """Send an event, as a worker would."""
        ...

    def contents(self) -> object:
        """Everything the broker keeps, in a form that compares equal when nothing changed."""
        ...

    def stop(self) -> None:
        """End the server."""
        ...

    def start(self) -> None:
        """Start it again at the same address."""
        ...


class BrokerContract:
    """The suite. Each test is named after the promise it holds the adapter to."""

    @pytest.fixture
    def broker(self, stage: Stage) -> Iterator[Broker]:
        """The adapter under test."""
        with closing(stage.open()) as broker:
            yield broker

    @pytest.fixture
    def events(self, broker: Broker) -> Iterator[EventStream]:
        """A subscription that has been confirmed."""
        with closing(broker.events()) as events:
            assert _read_until(events, lambda batch: batch.current)
            yield events

    def test_an_empty_broker_has_nothing_held_and_nothing_ready(self, stage: Stage, broker: Broker) -> None:
        look = broker.look(time.time())
        if stage.shows_messages:
            assert (look.held, look.held_count, look.held_complete) == ((), 0, True)
        else:
            assert (look.held, look.held_complete) == (None, False), "what is not seen is not nothing"
            assert not look.held_count
            assert look.blind_spots
        assert sum(sample.ready for sample in look.queues) == 0

    def test_a_look_tells_what_the_server_is_and_when_it_was_seen(self, broker: Broker) -> None:
        at = time.time()
        look = broker.look(at)
        assert look.at == at <= look.ended
        assert look.kind
        assert look.version
        assert look.latency > 0

    def test_ready_counts_every_priority(self, stage: Stage, broker: Broker) -> None:
        broker.watch_queues(["parcels"])
        for priority in (0, 3, 9):
            stage.publish("parcels", priority)
        assert _queue(broker, "parcels").ready == 3

    def test_the_ends_of_a_queue_are_named(self, stage: Stage, broker: Broker) -> None:
        broker.watch_queues(["parcels"])
        ids = [stage.publish("parcels") for _ in range(3)]
        sample = _queue(broker, "parcels")
        if not stage.shows_messages:
            assert (sample.oldest_id, sample.newest_id, sample.oldest_name) == (None, None, None)
            return
        assert (sample.oldest_id, sample.newest_id) == (ids[0], ids[-1])
        assert sample.oldest_name

    def test_neither_a_look_nor_a_question_leaves_a_trace(self, stage: Stage, broker: Broker) -> None:
        stage.publish("parcels")
        before = stage.contents()
        broker.look(time.time())
        assert broker.ask(time.time()) == ()
        assert stage.contents() == before

    def test_a_waiting_task_is_found_in_its_queue_and_never_called_absent(self, stage: Stage, broker: Broker) -> None:
        broker.watch_queues(["parcels"])
        first, second = stage.publish("parcels"), stage.publish("parcels")
        broker.look(time.time())
        search = _searched(broker, {first: "parcels", second: "parcels"})
        assert search.absent == frozenset()
        if stage.shows_messages:
            assert search.found == {first: Place("ready", "parcels", 1), second: Place("ready", "parcels", 2)}
        else:
            assert search.found.keys() | search.unsure.keys() == {first, second}
            assert all(search.unsure.values()), "a doubt has a reason"

    def test_absence_is_told_at_the_end_of_a_search_and_only_of_what_was_wanted(
        self, stage: Stage, broker: Broker
    ) -> None:
        broker.watch_queues(["parcels"])
        stage.publish("parcels")
        broker.look(time.time())
        wanted = {"11111111-2222-3333-4444-555555555555": "parcels"}
        search = _searched(broker, wanted)
        assert search.found == {}
        assert search.absent | search.unsure.keys() == wanted.keys()
        assert bool(search.absent) is stage.shows_messages, "what cannot be read through proves no absence"

    def test_a_search_leaves_no_trace(self, stage: Stage, broker: Broker) -> None:
        stage.publish("parcels")
        broker.look(time.time())
        before = stage.contents()
        _searched(broker, {"11111111-2222-3333-4444-555555555555": None})
        assert stage.contents() == before

    def test_an_idle_stream_is_current_and_empty(self, events: EventStream) -> None:
        before = time.time()
        batch = _read_until(events, lambda batch: batch.current)
        assert batch.events == ()
        assert before - 1.0 < batch.began <= time.time()

    def test_an_event_arrives_once_with_its_facts(self, stage: Stage, events: EventStream) -> None:
        stage.emit("task-started", "11111111-2222-3333-4444-555555555555")
        event = _first(events)
        assert (event.kind, event.task_id) == ("task-started", "11111111-2222-3333-4444-555555555555")
        assert event.worker
        assert event.pid
        assert abs(event.at - event.seen) < 5
        assert _read_until(events, lambda batch: batch.current).events == ()

    def test_two_readers_give_an_event_the_same_id(self, stage: Stage, broker: Broker, events: EventStream) -> None:
        with closing(broker.events()) as others:
            assert _read_until(others, lambda batch: batch.current)
            stage.emit("task-started", "11111111-2222-3333-4444-555555555555")
            assert _first(events).id == _first(others).id

    def test_a_stopped_broker_is_down_for_every_call(self, stage: Stage, broker: Broker, events: EventStream) -> None:
        stage.stop()
        for call in (lambda: broker.look(time.time()), lambda: broker.ask(time.time())):
            with pytest.raises(BrokerUnavailableError) as raised:
                call()
            assert raised.value.cause == "down"
            assert raised.value.retryable
        with pytest.raises(BrokerUnavailableError):
            _read_until(events, _never, seconds=10)

    def test_a_restart_is_survived_and_the_stream_says_so(
        self, stage: Stage, broker: Broker, events: EventStream
    ) -> None:
        stage.stop()
        with pytest.raises(BrokerUnavailableError):
            _read_until(events, _never, seconds=10)
        stage.start()
        assert _read_until(events, lambda batch: batch.reconnected).reconnected
        stage.emit("task-started", "11111111-2222-3333-4444-555555555555")
        assert _first(events).kind == "task-started"
        assert broker.look(time.time()).kind

    def test_the_secret_is_shown_nowhere(self, stage: Stage, broker: Broker) -> None:
        assert stage.secret not in broker.label
        assert stage.secret not in repr(vars(broker))
        stage.stop()
        with pytest.raises(BrokerUnavailableError) as raised:
            broker.look(time.time())
        assert stage.secret not in str(raised.value)

    def test_closing_twice_does_no_harm(self, broker: Broker) -> None:
        broker.look(time.time())
        broker.close()
        broker.close()


def _queue(broker: Broker, name: str) -> QueueSample:
    look = broker.look(time.time())
    return next(sample for sample in look.queues if sample.queue == name)


def _searched(broker: Broker, wanted: Mapping[str, str | None]) -> Search:
    """A whole search; until it is done it says nothing of absence."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        search = broker.search(Wanted(wanted), time.time())
        if search.done:
            return search
        assert not search.absent
        assert not search.unsure
    raise AssertionError("the search is not done in 30 s")


def _read_until(events: EventStream, wanted: Callable[[EventBatch], bool], seconds: float = 5.0) -> EventBatch:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        batch = events.read(0.2, 100)
        if wanted(batch):
            return batch
    raise AssertionError(f"no such batch came in {seconds:g} s")


def _never(_: EventBatch) -> bool:
    return False


def _first(events: EventStream) -> Event:
    return _read_until(events, lambda batch: bool(batch.events)).events[0]
