"""The ship loop: the backlog, numbered and packed, to the broker."""

from __future__ import annotations

from collections.abc import Callable

from celeriac.agent.backlog import Backlog, Shipment
from celeriac.clock import Clock
from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.model.parcel import Sender, pack
from celeriac.telemetry import RecordDropped, RecordShipping, emit
from celeriac.transport import Outlet

INTERVAL = 0.05
"""Seconds between two glances at the backlog."""
READS_EVERY = 0.5
"""Seconds after which how far was read is told, though nothing was seen."""


class ShipLoop:
    """Ships what is new at once, and twice a second how far each source has been read.

    What could not be handed over is packed again at the next try: its time of sending must be true.
    """

    name = "ship"
    interval = INTERVAL

    def __init__(self, sender: Sender, backlog: Backlog, connect: Callable[[], Outlet], clock: Clock) -> None:
        self._sender = sender
        self._backlog = backlog
        self._connect = connect
        self._clock = clock
        self._outlet: Outlet | None = None
        self._unsent: Shipment | None = None
        self._sent_at = float("-inf")
        self._told_dropped = 0

    def step(self, now: float) -> bool:
        """Ship one parcel, when there is reason to. Raises TransportUnavailableError: what waits is kept."""
        if self._unsent is None:
            if not self._backlog.waits and 0 <= now - self._sent_at < READS_EVERY:
                return False
            self._unsent = self._backlog.take()
        self._send(self._unsent, now)
        self._unsent = None
        self._sent_at = now
        return self._backlog.waits

    def close(self) -> None:
        """Ship the rest, say that nothing follows, and drop the connection; a broker that is away ends it at once."""
        try:
            now = self._clock.now()
            while self._unsent is not None or self._backlog.waits:
                self.step(now)
            self._send(self._backlog.take(), now, last=True)
        except TransportError as error:
            emit(RecordShipping("ended", f"before all was shipped: {error}"))
        finally:
            if self._outlet is not None:
                self._outlet.close()

    def _send(self, shipment: Shipment, now: float, *, last: bool = False) -> None:
        load = shipment.load
        if self._outlet is None:
            self._outlet = self._connect()
        try:
            self._outlet.send(
                pack(
                    self._sender,
                    load.first,
                    load.items,
                    now,
                    dropped=load.dropped,
                    last=last,
                    reads=shipment.reads,
                    blind_spots=shipment.blind_spots,
                )
            )
        except TransportUnavailableError:
            raise
        except TransportError:
            self._backlog.lose(load)
        self._say_dropped()

    def _say_dropped(self) -> None:
        if self._backlog.dropped != self._told_dropped:
            self._told_dropped = self._backlog.dropped
            emit(RecordDropped(self._told_dropped))
