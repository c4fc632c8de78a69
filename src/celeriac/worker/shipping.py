"""Parcels out of a process: taken from the buffer, packed, sent; sent again when the broker was away."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import NamedTuple

from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.model.parcel import Item, Sender, pack
from celeriac.telemetry import RecordDropped, RecordShipping
from celeriac.transport import Outlet
from celeriac.worker.buffer import Buffer, Load
from celeriac.worker.guard import say, tell

BATCH_ITEMS, BATCH_BYTES = 250, 512 * 1024


class _Packed(NamedTuple):
    body: bytes
    size: int
    ends: bool


class Shipping:
    """The sending end, for one thread. `failures` counts the tries in a row that failed, 0 when all is well."""

    def __init__(self, sender: Sender, buffer: Buffer, connect: Callable[[], Outlet]) -> None:
        self.failures = 0
        self._sender = sender
        self._buffer = buffer
        self._connect = connect
        self._outlet: Outlet | None = None
        self._unsent: _Packed | None = None
        self._told_dropped = 0

    @property
    def waits(self) -> bool:
        """Whether there is anything that is not at the broker yet."""
        return self._unsent is not None or len(self._buffer) > 0

    def ship(self, *, last: bool = False) -> None:
        """All that waits now, as far as the broker takes it; `last`: and the word that nothing follows. Never raises.

        What comes meanwhile waits for the next time: else a busy process would ship it in ever smaller parcels.
        """
        newest = self._buffer.last
        try:
            while self._send_next(newest, last=last):
                pass
        except TransportUnavailableError as error:
            self._failed(str(error))
        except Exception as error:
            tell("Shipping.ship", error)
            self._failed(f"{type(error).__name__}: {error}")
            self.close()
        self._say_dropped()

    def close(self) -> None:
        """Drop the connection; never raises."""
        outlet, self._outlet = self._outlet, None
        try:
            if outlet is not None:
                outlet.close()
        except Exception as error:
            tell("Shipping.close", error)

    def _send_next(self, newest: int, *, last: bool) -> bool:
        """Ship one parcel; true when another is to follow: up to the item numbered `newest`, or to the very last."""
        if self._unsent is None:
            self._unsent = self._next(last=last)
        if self._unsent is None:
            return False
        if self._outlet is None:
            self._outlet = self._connect()
        packed = self._unsent
        try:
            self._outlet.send(packed.body)
        except TransportUnavailableError:
            raise
        except TransportError as error:
            tell("Shipping.send", error)
            self._buffer.lose(packed.size)
        self._unsent = None
        self._recovered()
        return self._buffer.left < newest or (last and not packed.ends)

    def _next(self, *, last: bool) -> _Packed | None:
        load = self._buffer.take(BATCH_ITEMS, BATCH_BYTES)
        if load is None and not last:
            return None
        load = load or Load(self._buffer.last + 1, (), self._buffer.dropped)
        ends = last and not len(self._buffer)
        return _Packed(self._pack(load, ends=ends), len(load.items), ends)

    def _pack(self, load: Load, *, ends: bool) -> bytes:
        """The parcel; an item that JSON cannot say (a loop in its data) goes without its data, the others whole."""
        try:
            return pack(self._sender, load.first, load.items, time(), dropped=load.dropped, last=ends)
        except (ValueError, TypeError, RecursionError) as error:
            tell("Shipping.pack", error)
            items = tuple(item if self._packs(item) else item._replace(data={}) for item in load.items)
            return pack(self._sender, load.first, items, time(), dropped=load.dropped, last=ends)

    def _packs(self, item: Item) -> bool:
        try:
            pack(self._sender, 1, (item,), 0.0)
        except (ValueError, TypeError, RecursionError):
            return False
        return True

    def _failed(self, why: str) -> None:
        self.failures += 1
        if self.failures == 1:
            say(RecordShipping("paused", why))

    def _recovered(self) -> None:
        if self.failures:
            say(RecordShipping("resumed", f"after {self.failures} failures"))
        self.failures = 0

    def _say_dropped(self) -> None:
        """Once when it begins and once when it is over, not for each item."""
        dropped = self._buffer.dropped
        if dropped == self._told_dropped or (self._told_dropped and self.failures):
            return
        self._told_dropped = dropped
        say(RecordDropped(dropped))
