"""What waits to be shipped: bounded in items and bytes, the oldest dropped first and counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from celeriac.model.parcel import Item

OVERHEAD = 600
"""Bytes an item takes in memory beside its texts, about: the tuple, the dict and their numbers."""


class Tail(Protocol):
    """Where the newest items are kept a second time, because it outlives the process."""

    def note(self, number: int, item: Item | None) -> None:
        """The newest item has this number; None is one that was never here. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Load:
    """Items that follow one another, the first of them numbered `first`, and how many were dropped before."""

    first: int
    items: tuple[Item, ...]
    dropped: int


class Buffer:
    """A numbered queue. `add` takes a microsecond or two, whatever the state of the broker.

    An item's number is its place behind all that left before it, so it is settled when it is taken. The lock may be
    taken again by the thread that holds it: a signal handler may note something while its own process does.
    """

    def __init__(self, most_items: int, most_bytes: int) -> None:
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._lock = threading.RLock()
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._next = 1
        self._dropped = 0
        self._tail: Tail | None = None

    def keep_in(self, tail: Tail) -> None:
        """Keep there what waits, and from now on what comes."""
        with self._lock:
            tail.note(self._next - 1, None)
            for number, (item, _) in enumerate(self._items, self._next - len(self._items)):
                tail.note(number, item)
            self._tail = tail

    def add(self, item: Item) -> int:
        """Number the item and keep it; how many wait now."""
        weight = OVERHEAD + _weight(item.data)
        with self._lock:
            self._items.append((item, weight))
            self._bytes += weight
            if self._tail is not None:
                self._tail.note(self._next, item)
            self._next += 1
            while len(self._items) > self._most_items or (self._bytes > self._most_bytes and len(self._items) > 1):
                self._bytes -= self._items.popleft()[1]
                self._dropped += 1
            return len(self._items)

    def take(self, items: int, bytes_: int) -> Load | None:
        """The oldest items, up to either bound and at least one; None when nothing waits."""
        taken: list[Item] = []
        with self._lock:
            first = self._next - len(self._items)
            size = 0
            while self._items and len(taken) < items and (not taken or size + self._items[0][1] <= bytes_):
                item, weight = self._items.popleft()
                taken.append(item)
                size += weight
            self._bytes -= size
            return Load(first, tuple(taken), self._dropped) if taken else None

    def lose(self, count: int) -> None:
        """Count items that were taken and cannot be shipped."""
        with self._lock:
            self._dropped += count

    def miss(self, count: int) -> None:
        """Count items that were never added: a hole before those that wait."""
        with self._lock:
            self._next += count
            self._dropped += count
            if self._tail is not None:
                self._tail.note(self._next - 1, None)

    @property
    def last(self) -> int:
        """The number of the newest item, 0 before any."""
        return self._next - 1

    @property
    def left(self) -> int:
        """The number of the newest item that waits no more."""
        return self._next - 1 - len(self._items)

    @property
    def dropped(self) -> int:
        """How many items were discarded."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._items)


def _weight(data: Mapping[str, Any]) -> int:
    """Bytes of the texts in `data`, about. Most items hold a few flat ones."""
    size = 0
    for value in data.values():
        if value.__class__ is str:
            size += len(value)
        elif isinstance(value, Mapping):
            size += _weight(value)
        elif isinstance(value, (list, tuple)):
            size += 64 * len(value)
    return size
