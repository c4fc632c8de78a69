"""A small count that every worker shares: notes under a key at the broker, each mark once. No meaning."""

from __future__ import annotations

from typing import Protocol

from kombu import Connection

DAY = 24 * 3600.0
MOST = 32
"""Notes that are kept under one key."""


class Tally(Protocol):
    """For one thread. What is not touched for `DAY` seconds is gone.

    Every method raises TransportUnavailableError, after `patience` seconds for each of its steps at most.
    """

    def add(self, key: str, mark: str, note: bytes) -> tuple[bytes, ...]:
        """Put `note` under `key`, unless that mark is there; every note under the key then, in no order."""
        ...

    def notes(self, key: str) -> tuple[bytes, ...]:
        """Every note under `key`, in no order."""
        ...

    def close(self) -> None:
        """Drop the connection."""
        ...


def open_tally(connection: Connection, *, patience: float) -> Tally:
    """The count at that broker; connects at the first use. `connection` is read, never used or changed."""
    if connection.get_transport_cls().driver_type == "redis":
        from celeriac.transport.redis_tally import RedisTally

        return RedisTally(connection, patience)
    from celeriac.transport.queue_tally import QueueTally

    return QueueTally(connection, patience)
