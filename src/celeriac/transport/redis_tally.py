"""A count shared over Redis or Valkey: one hash for each key."""

from __future__ import annotations

from kombu import Connection

from celeriac.transport.redis_link import KEY, RedisLink
from celeriac.transport.tally import DAY, MOST

_ADD = """
if redis.call('HLEN', KEYS[1]) < tonumber(ARGV[4]) then redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('HVALS', KEYS[1])
"""
"""KEYS: the hash. ARGV: mark, note, the time to live (ms), the most notes."""


class RedisTally:
    """A Tally in the hashes `celeriac:deaths:<key>`, under the app's `global_keyprefix`: one script adds and reads."""

    def __init__(self, connection: Connection, patience: float) -> None:
        self._link = RedisLink(connection, patience)
        self._prefix = f"{self._link.key.removesuffix(KEY)}celeriac:deaths:"

    def add(self, key: str, mark: str, note: bytes) -> tuple[bytes, ...]:
        """See Tally."""
        return tuple(self._link.ask("EVAL", _ADD, 1, self._prefix + key, mark, note, int(DAY * 1000), MOST))

    def notes(self, key: str) -> tuple[bytes, ...]:
        """See Tally."""
        return tuple(self._link.ask("HVALS", self._prefix + key))

    def close(self) -> None:
        """See Tally."""
        self._link.close()
