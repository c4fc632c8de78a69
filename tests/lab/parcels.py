"""Parcels as a recorder ships them, one life at a time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from kombu import Connection

from celeriac.model.parcel import Item, Sender, pack
from celeriac.transport import Outlet, open_outlet


class Life:
    """A recording process that never was: `ship` numbers, packs and hands over, for real."""

    def __init__(self, broker: str, node: str = "celery@lab", pid: int = 7, role: str = "worker") -> None:
        self.sender = Sender(uuid.uuid4().hex, role, node, pid, "lab", time.time())
        self.next = 1
        self.dropped = 0
        self._outlet: Outlet = open_outlet(Connection(broker))

    def ship(self, *items: Item, last: bool = False, **more: Any) -> None:
        """Hand over one parcel."""
        self._outlet.send(self.packed(*items, last=last, **more))

    def packed(self, *items: Item, last: bool = False, **more: Any) -> bytes:
        """The next parcel's bytes: its numbers are used up."""
        first, self.next = self.next, self.next + len(items)
        return pack(self.sender, first, items, time.time(), dropped=self.dropped, last=last, **more)

    def raw(self, body: bytes) -> None:
        """Hand over any bytes."""
        self._outlet.send(body)

    def drop(self, count: int) -> None:
        """What a full buffer does."""
        self.next += count
        self.dropped += count

    def close(self) -> None:
        """Drop the connection."""
        self._outlet.close()


def task(task_id: str, *, at: float | None = None, **end: Any) -> tuple[Item, ...]:
    """The items of one task in a worker: received, started, succeeded; `end` is more about its end."""
    began = time.time() if at is None else at
    named: Mapping[str, Any] = {"name": "lab.add", "args": "(1, 2)", "kwargs": "{}", "retries": 0, "queue": "celery"}
    return (
        Item("task-received", began, task_id, named),
        Item("task-started", began + 0.001, task_id, {"child": 41}),
        Item("task-succeeded", began + 0.002, task_id, {"result": "3", "runtime": 0.001, "child": 41, **end}),
    )
