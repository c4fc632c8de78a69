"""Which workers live, and what each has on its hands: a field for each life at a Redis, by the server's own clock."""

from __future__ import annotations

from dataclasses import dataclass

from kombu import Connection

from celeriac.transport.redis_link import KEY, RedisLink

DAY_MS = 24 * 3600 * 1000
_BEAT = """
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], now[1] .. '.' .. string.format('%06d', now[2]) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
"""KEYS: the hash. ARGV: boot, what it has on its hands, the time to live (ms)."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What one life last said, `age` seconds ago."""

    boot: str
    age: float
    body: bytes


class Lives:
    """The hash `celeriac:running`, under the app's `global_keyprefix`. For one thread.

    Every method raises TransportUnavailableError, after `patience` seconds for each of its steps at most.
    """

    def __init__(self, connection: Connection, patience: float) -> None:
        self._link = RedisLink(connection, patience)
        self._key = f"{self._link.key.removesuffix(KEY)}celeriac:running"

    def beat(self, boot: str, body: bytes) -> None:
        """This life goes on, with that on its hands."""
        self._link.ask("EVAL", _BEAT, 1, self._key, boot, body, DAY_MS)

    def leave(self, *boots: str) -> None:
        """These lives have nothing on their hands."""
        self._link.ask("HDEL", self._key, *boots)

    def read(self) -> tuple[Beat, ...]:
        """Every life that had something on its hands when it last said so."""
        (seconds, micros), fields = self._link.send((("TIME",), ("HGETALL", self._key)))
        now = float(seconds) + float(micros) / 1e6
        return tuple(_beat(boot, value, now) for boot, value in zip(fields[::2], fields[1::2], strict=True))

    def close(self) -> None:
        """Drop the connection."""
        self._link.close()


def open_lives(connection: Connection, *, patience: float) -> Lives | None:
    """None where the broker has no place for such fields."""
    return Lives(connection, patience) if connection.get_transport_cls().driver_type == "redis" else None


def _beat(boot: bytes, value: bytes, now: float) -> Beat:
    at, _, body = value.partition(b" ")
    return Beat(boot.decode(), max(0.0, now - float(at)), body)
