"""Parcels into a durable, bounded queue."""

from __future__ import annotations

from kombu import Connection

from celeriac.errors import TransportError
from celeriac.transport.cap import Limits
from celeriac.transport.queue_line import NAME, QueueLine, alarm


class QueueOutlet:
    """An Outlet onto the queue `celeriac.record`: persistent messages, confirmed where the broker confirms."""

    def __init__(self, connection: Connection, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._line = QueueLine(connection, self._limits)

    def send(self, parcel: bytes) -> None:
        """See Outlet."""
        if len(parcel) > self._limits.size:
            raise TransportError(f"a parcel of {len(parcel)} bytes is over the record's cap of {self._limits.size}")
        with self._line.door():
            if self._line.stale:
                self._wait_for_the_end_of_the_alarm()
            self._line.open()
            try:
                self._publish(parcel)
            except TimeoutError:
                if not self._line.blocked:
                    raise
                self._line.stale = True
                raise alarm(self._line.place) from None

    def close(self) -> None:
        """See Outlet."""
        self._line.close()

    def _publish(self, parcel: bytes) -> None:
        """`mandatory`: a queue that somebody deleted is an error and not a hole (amqp/channel.py, _on_basic_return)."""
        channel = self._line.channel
        message = channel.prepare_message(
            parcel, content_type="application/json", content_encoding="binary", properties={"delivery_mode": 2}
        )
        manners = {"mandatory": True, "timeout": self._limits.patience} if self._line.amqp else {}
        channel.basic_publish(message, exchange="", routing_key=NAME, **manners)

    def _wait_for_the_end_of_the_alarm(self) -> None:
        """Publish nothing while the broker is blocked: it would take every attempt when the alarm is over.

        After it, begin with a new connection: the confirm that was given up would pass for the next parcel's.
        """
        self._line.drain(self._limits.patience / 3)
        if self._line.blocked:
            raise alarm(self._line.place)
        self._line.close()
