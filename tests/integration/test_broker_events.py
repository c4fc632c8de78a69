"""Celery's native events from real workers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from celeriac.brokers import redis_events
from celeriac.brokers.redis_events import RedisEvents
from celeriac.errors import BrokerUnavailableError
from celeriac.model.event import Event
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
def events(server: RedisServer) -> Iterator[RedisEvents]:
    with opened(server.url) as broker:
        events = broker.events()
        wait_until(lambda: events.read(0.5, 1).current)
        yield events
        events.close()


def test_a_tasks_whole_life_is_seen(server: RedisServer, events: RedisEvents) -> None:
    seen: list[Event] = []
    with Worker(server.url, events=True) as worker, Producer(server.url, {"task_send_sent_event": True}) as producer:
        task_id = producer.send("noop", 1)
        wait_until(lambda: _read(events, seen) and any(event.kind == "task-succeeded" for event in seen))
        of_task = [event for event in seen if event.task_id == task_id]
        assert {event.kind for event in of_task} == {"task-sent", "task-received", "task-started", "task-succeeded"}
        assert {event.pid for event in of_task if event.kind != "task-sent"} == {worker.pid}
        sent = next(event for event in of_task if event.kind == "task-sent")
        assert sent.text("queue") == "celery"
        assert (sent.worker or "").startswith("gen")
        heartbeat = next(event for event in seen if event.kind in ("worker-online", "worker-heartbeat"))
        assert heartbeat.worker == worker.node


def test_events_under_a_global_keyprefix_are_heard(server: RedisServer) -> None:
    prefixed = {"broker_transport_options": {"global_keyprefix": "app*-"}, "task_send_sent_event": True}
    with opened(server.url, global_keyprefix="app*-") as broker, Producer(server.url, prefixed) as producer:
        events = broker.events()
        wait_until(lambda: events.read(0.5, 1).current)
        producer.send("noop")
        seen: list[Event] = []
        wait_until(lambda: _read(events, seen) and seen)
        events.close()
    assert [event.kind for event in seen] == ["task-sent"]


def test_junk_on_the_channel_is_counted_and_never_raised(server: RedisServer, events: RedisEvents) -> None:
    server.client().publish("/0.celeryev/task.sent", b"\x00 no event")
    batch = events.read(1.0, 10)
    assert (batch.junk, batch.events) == (1, ())
    assert "no event" in batch.example
    assert events.read(0.1, 10).junk == 0


def test_a_batch_stops_near_its_limit_and_the_rest_comes_next(server: RedisServer, events: RedisEvents) -> None:
    with Producer(server.url, {"task_send_sent_event": True}) as producer:
        for _ in range(5):
            producer.send("noop")
    first, second = events.read(1.0, 3), events.read(1.0, 3)
    assert (len(first.events), len(second.events)) == (3, 2)
    assert second.current


def test_what_was_sent_before_began_has_been_read(server: RedisServer, events: RedisEvents) -> None:
    with Producer(server.url, {"task_send_sent_event": True}) as producer:
        task_id = producer.send("noop")
        sent_at = time.time()
        seen: list[Event] = []
        while (batch := events.read(0.2, 10)).began < sent_at or not batch.current:
            seen.extend(batch.events)
    assert task_id in {event.task_id for event in (*seen, *batch.events)}


def test_a_server_that_hangs_is_not_current_and_then_unavailable(
    server: RedisServer, events: RedisEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_events, "SILENCE", 1.0)
    server.pause()
    try:
        assert not events.read(0.1, 10).current
        with pytest.raises(BrokerUnavailableError) as raised:
            wait_until(lambda: events.read(0.2, 10).current, timeout=5)
        assert raised.value.cause == "network"
    finally:
        server.resume()
    assert wait_until(lambda: events.read(0.5, 10).reconnected)


def test_events_read_before_a_connection_broke_are_not_lost(server: RedisServer, events: RedisEvents) -> None:
    with Producer(server.url, {"task_send_sent_event": True}) as producer:
        task_id = producer.send("noop")
    server.kill()
    assert [event.task_id for event in events.read(1.0, 10).events] == [task_id]
    with pytest.raises(BrokerUnavailableError):
        events.read(0.5, 10)
    server.start()
    assert events.read(0.5, 10).reconnected


def _read(events: RedisEvents, seen: list[Event]) -> bool:
    seen.extend(events.read(0.2, 1_000).events)
    return True
