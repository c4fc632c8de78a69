"""Which workers live, and what each has on its hands: a field for each life, by the broker's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kombu import Connection


@dataclass(frozen=True, slots=True)
class Beat:
    """What one life last said, `age` seconds ago."""

    boot: str
    age: float
    body: bytes


class Lives(Protocol):
    """For one thread. Every method raises TransportUnavailableError, after `patience` seconds for each of its steps at
    most."""

    def beat(self, boot: str, body: bytes) -> None:
        """This life goes on, with that on its hands."""
        ...

    def leave(self, *boots: str) -> None:
        """These lives have nothing on their hands."""
        ...

    def read(self) -> tuple[Beat, ...]:
        """Every life that had something on its hands when it last said so."""
        ...

    def close(self) -> None:
        """Drop the connection."""
        ...


def open_lives(connection: Connection, *, patience: float) -> Lives | None:
    """None where the broker has no place for such fields. `connection` is read, never used or changed."""
    if connection.get_transport_cls().driver_type != "redis":
        return None
    from celeriac.transport.redis_lives import RedisLives

    return RedisLives(connection, patience)
