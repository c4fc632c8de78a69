"""Parcels out of a process."""

from __future__ import annotations

from celeriac.model.parcel import Item, Sender, unpack
from celeriac.worker.buffer import Buffer
from celeriac.worker.shipping import BATCH_ITEMS, Shipping

SENDER = Sender("b" * 32, "producer", "gen1@lab", 1, "lab", 1.0)


class Busy:
    """An outlet of a process that goes on noting things while one parcel is under way."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self.sizes: list[int] = []

    def send(self, parcel: bytes) -> None:
        self.sizes.append(unpack(parcel, 2.0).size)
        self._buffer.add(Item("task-sent", 1.0, "later", {"name": "a"}))

    def close(self) -> None:
        """Nothing to drop."""


def _waiting(count: int) -> Buffer:
    buffer = Buffer(10_000, 1 << 24)
    for number in range(count):
        buffer.add(Item("task-sent", 1.0, f"t{number}", {"name": "a"}))
    return buffer


def test_what_comes_while_a_parcel_is_under_way_waits_for_the_next_time() -> None:
    buffer = _waiting(3)
    outlet = Busy(buffer)
    shipping = Shipping(SENDER, buffer, lambda: outlet)
    shipping.ship()
    assert (outlet.sizes, len(buffer)) == ([3], 1)
    shipping.ship()
    assert (outlet.sizes, len(buffer)) == ([3, 1], 1)


def test_a_long_queue_leaves_in_as_many_parcels_as_it_needs() -> None:
    buffer = _waiting(2 * BATCH_ITEMS + 1)
    outlet = Busy(buffer)
    Shipping(SENDER, buffer, lambda: outlet).ship()
    assert outlet.sizes == [BATCH_ITEMS, BATCH_ITEMS, 3]
