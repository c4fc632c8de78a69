"""Reads what recorders ship, as the server would, and checks that it is whole."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection

from celeriac.errors import TransportUnavailableError
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Parcel, unpack
from celeriac.transport.base import Inlet
from celeriac.transport.open import open_inlet
from lab.wait import wait_until


class Record:
    """All parcels that were read so far, in order of arrival."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self.parcels: list[Parcel] = []

    def read(self) -> None:
        """What has arrived since."""
        try:
            received = self._inlet.receive(0.1, 500)
            while received.deliveries:
                self.parcels += [unpack(one.body, time.time()) for one in received.deliveries]
                self._inlet.acknowledge(tuple(one.tag for one in received.deliveries))
                received = self._inlet.receive(0.0, 500)
        except TransportUnavailableError:
            return

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event, each id once."""
        return tuple({event.id: event for parcel in self.parcels for event in parcel.events}.values())

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every fact."""
        return tuple(fact for parcel in self.parcels for fact in parcel.evidence)

    def of(self, node: str) -> list[Parcel]:
        """The parcels of one sender's node name."""
        return [parcel for parcel in self.parcels if parcel.sender.node == node]

    def story(self, task_id: str, *, role: str = "worker") -> list[str]:
        """What happened to a task, in order, as its workers tell it: "received", "started", …"""
        boots = {parcel.sender.boot for parcel in self.parcels if parcel.sender.role == role}
        told = [event for event in self.events if event.task_id == task_id and event.id.partition(":")[0] in boots]
        return [event.kind.removeprefix("task-") for event in sorted(told, key=_number) if event.kind != "task-sent"]

    def one(self, kind: str, task_id: str | None = None) -> Event:
        """The only event of that kind."""
        found = [event for event in self.events if event.kind == kind and task_id in (None, event.task_id)]
        assert len(found) == 1, (kind, task_id, found)
        return found[0]

    def until(self, true: Callable[[], Any], timeout: float = 30.0, why: str = "") -> Any:
        """Read until `true()`."""

        def looked() -> Any:
            self.read()
            return true()

        return wait_until(looked, timeout, every=0.02, why=why or "the record to tell it")

    def until_story(self, task_id: str, *story: str, timeout: float = 30.0) -> None:
        """Read until the task's story is this one."""
        try:
            self.until(lambda: self.story(task_id) == list(story), timeout)
        except AssertionError as error:
            raise AssertionError(f"{task_id}: {self.story(task_id)} and not {list(story)}") from error

    def holes(self, node: str) -> dict[str, list[int]]:
        """By life of that node, the item numbers that are missing among those shipped; empty when all are there."""
        seen: dict[str, set[int]] = defaultdict(set)
        for parcel in self.of(node):
            seen[parcel.sender.boot] |= set(range(parcel.first, parcel.first + parcel.size))
        missing = {boot: sorted(set(range(1, max(numbers, default=0) + 1)) - numbers) for boot, numbers in seen.items()}
        return {boot: numbers for boot, numbers in missing.items() if numbers}

    def closed(self, node: str) -> bool:
        """Whether the newest life of that node has said that nothing follows."""
        parcels = self.of(node)
        return bool(parcels) and parcels[-1].last


def _number(event: Event) -> tuple[str, int]:
    boot, _, number = event.id.partition(":")
    return boot, int(number)


@contextmanager
def record(url: str) -> Iterator[Record]:
    """The record on the broker at `url`."""
    with Connection(url) as connection:
        inlet = open_inlet(connection, reader="lab")
        try:
            yield Record(inlet)
        finally:
            inlet.close()
