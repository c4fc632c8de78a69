"""Lives in a hash at Redis or Valkey."""

from __future__ import annotations

from kombu import Connection

from celeriac.transport.lives import Beat
from celeriac.transport.redis_link import KEY, RedisLink

DAY_MS = 24 * 3600 * 1000
_BEAT = """
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], now[1] .. '.' .. string.format('%06d', now[2]) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
"""KEYS: the hash. ARGV: boot, what it has on its hands, the time to live (ms)."""


class RedisLives:
    """The Lives in the hash `celeriac:running`, under the app's `global_keyprefix`."""

    def __init__(self, connection: Connection, patience: float) -> None:
        self._link = RedisLink(connection, patience)
        self._key = f"{self._link.key.removesuffix(KEY)}celeriac:running"

    def beat(self, boot: str, body: bytes) -> None:
        """See Lives."""
        self._link.ask("EVAL", _BEAT, 1, self._key, boot, body, DAY_MS)

    def leave(self, *boots: str) -> None:
        """See Lives."""
        self._link.ask("HDEL", self._key, *boots)

    def read(self) -> tuple[Beat, ...]:
        """See Lives."""
        (seconds, micros), fields = self._link.send((("TIME",), ("HGETALL", self._key)))
        now = float(seconds) + float(micros) / 1e6
        return tuple(_beat(boot, value, now) for boot, value in zip(fields[::2], fields[1::2], strict=True))

    def close(self) -> None:
        """See Lives."""
        self._link.close()


def _beat(boot: bytes, value: bytes, now: float) -> Beat:
    at, _, body = value.partition(b" ")
    return Beat(boot.decode(), max(0.0, now - float(at)), body)
