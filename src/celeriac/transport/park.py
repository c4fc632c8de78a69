"""Messages set aside: one durable place at the broker, read by our side and given up only after its commit."""

from __future__ import annotations

from typing import Protocol

from kombu import Connection

from celeriac.transport.base import Delivery
from celeriac.transport.cap import Limits

NAME = "celeriac.parked"


class Park(Protocol):
    """For one thread. Nothing in it expires, and it has no cap: what stands in it is in no other place."""

    def park(self, key: str, body: bytes) -> None:
        """Set `body` aside: it is safe at the broker when this returns. The same key again is one message on Redis, and
        for who reads it elsewhere.

        Raises TransportUnavailableError; the message may or may not be there then.
        """
        ...

    def read(self, limit: int) -> tuple[Delivery, ...]:
        """What was set aside and not acknowledged, at most `limit`. Raises TransportUnavailableError."""
        ...

    def acknowledge(self, tags: tuple[str, ...]) -> None:
        """These are safe with us. Raises TransportUnavailableError."""
        ...

    def close(self) -> None:
        """Drop the connection."""
        ...


def open_park(connection: Connection, *, limits: Limits | None = None) -> Park:
    """The place at that broker; connects at the first use. `connection` is read, never used or changed."""
    if connection.get_transport_cls().driver_type == "redis":
        from celeriac.transport.redis_park import RedisPark

        return RedisPark(connection, limits)
    from celeriac.transport.queue_park import QueuePark

    return QueuePark(connection, limits)
