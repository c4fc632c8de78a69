"""What waits to be shipped: bounded in items and bytes, the oldest dropped first and counted."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from celeriac.model.parcel import Item

OVERHEAD = 160
"""Bytes an item takes beside its texts, about."""


@dataclass(frozen=True, slots=True)
class Load:
    """Items that follow one another, the first of them numbered `first`, and how many were dropped before."""

    first: int
    items: tuple[Item, ...]
    dropped: int


class Buffer:
    """A numbered queue. `add` takes a microsecond, whatever the state of the broker."""

    def __init__(self, most_items: int, most_bytes: int) -> None:
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._next = 1
        self._dropped = 0

    def add(self, item: Item) -> int:
        """Number the item and keep it; how many wait now."""
        weight = _weight(item)
        with self._lock:
            self._items.append((item, weight))
            self._bytes += weight
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

    @property
    def last(self) -> int:
        """The number of the newest item, 0 before any."""
        return self._next - 1

    @property
    def dropped(self) -> int:
        """How many items were discarded."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._items)


def _weight(item: Item) -> int:
    return OVERHEAD + sum(len(value) for value in item.data.values() if isinstance(value, str))
