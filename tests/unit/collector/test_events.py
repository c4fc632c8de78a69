"""Native events into the store: what no store takes is set aside alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from celeriac.brokers import EventBatch
from celeriac.collector.events import EventLoop
from celeriac.model.event import Event
from celeriac.store import Store


class Stream:
    """Gives one batch, then nothing."""

    def __init__(self, *events: Event) -> None:
        self._batches = [EventBatch(100.0, events)]

    def read(self, timeout: float, limit: int) -> EventBatch:
        return self._batches.pop() if self._batches else EventBatch(101.0)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open("sqlite://")
    yield store
    store.close()


def _event(task_id: str) -> Event:
    return Event(task_id, "task-received", 99.0, 99.5, "celery", worker="w@h", pid=1, task_id=task_id)


def test_one_event_that_no_store_takes_costs_no_other(store: Store) -> None:
    sent = [_event(f"t{number}") for number in range(9)]
    sent[5] = replace(sent[5], pid=2**70)
    EventLoop(Stream(*sent), store).step(100.0)
    assert sorted(store.find_task_ids([one.id for one in sent])) == [f"t{number}" for number in range(9) if number != 5]
    assert store.watermark() == 100.0
