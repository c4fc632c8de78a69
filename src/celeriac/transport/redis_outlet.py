"""Parcels into a Redis stream that never holds more bytes than its cap, however many write."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from kombu import Connection

from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.transport.cap import NODE, Limits, Memory, ceiling, crowded, weight
from celeriac.transport.redis_link import RedisLink

FIELD = "p"
_APPEND = """
local function newest()
  local stream = redis.call('XINFO', 'STREAM', KEYS[1])
  for at = 1, #stream, 2 do
    if stream[at] == 'last-generated-id' then return tonumber(string.match(stream[at + 1], '^%d+')) end
  end
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  local now = redis.call('TIME')
  local start = now[1] * 1000000 + now[2]
  if redis.call('EXISTS', KEYS[1]) == 1 then
    local last = newest()
    if last >= start or redis.call('XLEN', KEYS[1]) > 0 then start = last + 1 end
  end
  redis.call('SET', KEYS[2], string.format('%.0f', start))
end
local top = redis.call('INCRBY', KEYS[2], ARGV[1])
local floor = string.format('%.0f', math.max(0, top - ARGV[2]))
local id = string.format('%.0f-0', top - ARGV[1])
redis.call('XADD', KEYS[1], 'MINID', '~', floor, id, ARGV[4], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
"""
"""KEYS: stream, counter. ARGV: the entry's weight, the cap, the time to live (ms), field, body.

An entry's id is the number of bytes written before it, so that "all but the last N bytes" is a MINID. The count
begins at the server's time in microseconds: after a server lost its data, no new id is one that a reader still holds.
A counter that was lost while entries stand goes on from the newest of them.
"""


class RedisOutlet:
    """An Outlet onto the stream `celeriac:record`, under the app's `global_keyprefix`.

    One command per parcel, and one INFO every few seconds. The cap is exact over all writers without any of them
    measuring the stream: measuring costs the server a walk over it, and is late.
    """

    def __init__(
        self, connection: Connection, limits: Limits | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._limits = limits or Limits()
        self._link = RedisLink(connection, self._limits.patience)
        self._clock = clock
        self._memory = Memory()
        self._looked = float("-inf")

    def send(self, parcel: bytes) -> None:
        """See Outlet."""
        memory = self._look()
        if crowded(self._limits, memory):
            raise TransportUnavailableError(
                f"{self._link.place} uses more than {self._limits.pause:.0%} of its maxmemory: the record waits",
                hint="Raise its maxmemory, or drain what fills it",
            )
        most, takes = ceiling(self._limits, memory) - NODE, weight(len(parcel))
        if takes > most:
            raise TransportError(
                f"a parcel of {len(parcel)} bytes is over the record's cap of {most}",
                hint=f"The cap is {self._limits.share:.0%} of the broker's maxmemory: raise that",
            )
        key, ttl = self._link.key, int(self._limits.ttl * 1000)
        self._link.ask("EVAL", _APPEND, 2, key, f"{key}:bytes", takes, most, ttl, FIELD, parcel)

    def close(self) -> None:
        """See Outlet."""
        self._link.close()
        self._looked = float("-inf")

    def _look(self) -> Memory:
        """The server's memory, a few seconds old at most."""
        if self._clock() - self._looked >= self._limits.look:
            self._memory = read_memory(self._link.ask("INFO", "memory"))
            self._looked = self._clock()
        return self._memory


def read_memory(info: object) -> Memory:
    """The two figures in the answer to INFO memory."""
    lines = info.decode(errors="replace").splitlines() if isinstance(info, bytes) else []
    figures = dict(line.partition(":")[::2] for line in lines)
    return Memory(_number(figures.get("used_memory")), _number(figures.get("maxmemory")) or None)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
