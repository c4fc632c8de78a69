"""Messages set aside in a hash at Redis or Valkey."""

from __future__ import annotations

from kombu import Connection

from celeriac.transport.base import Delivery
from celeriac.transport.cap import Limits
from celeriac.transport.redis_link import KEY, RedisLink


class RedisPark:
    """A Park in the hash `celeriac:parked`, under the app's `global_keyprefix`: a field for each message."""

    def __init__(self, connection: Connection, limits: Limits | None = None) -> None:
        self._link = RedisLink(connection, (limits or Limits()).patience)
        self._key = f"{self._link.key.removesuffix(KEY)}celeriac:parked"
        self._cursor = b"0"

    def park(self, key: str, body: bytes) -> None:
        """See Park."""
        self._link.ask("HSETNX", self._key, key, body)

    def read(self, limit: int) -> tuple[Delivery, ...]:
        """See Park. A hash too small to be paged comes whole."""
        cursor, fields = self._link.ask("HSCAN", self._key, self._cursor, "COUNT", limit)
        self._cursor = cursor
        pairs = zip(fields[::2], fields[1::2], strict=True)
        return tuple(Delivery(key.decode(), body) for key, body in pairs)

    def acknowledge(self, tags: tuple[str, ...]) -> None:
        """See Park."""
        if tags:
            self._link.ask("HDEL", self._key, *tags)

    def close(self) -> None:
        """See Park."""
        self._link.close()
