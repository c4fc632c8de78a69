"""Parcels into a Redis stream that never holds more bytes than its cap, however many write."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

from kombu import Connection

from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.transport.cap import NODE, Limits, Memory, ceiling, crowded, weight
from celeriac.transport.redis_link import KEY, RedisLink

FIELD = "p"
BEGUN = f"{KEY}:begun"
"""Says when the stream began, in microseconds of the server's clock: not before the database was last emptied."""
_APPEND = """
local function newest()
  local stream = redis.call('XINFO', 'STREAM', KEYS[1])
  for at = 1, #stream, 2 do
    if stream[at] == 'last-generated-id' then return tonumber(string.match(stream[at + 1], '^%d+')) end
  end
end
local now = redis.call('TIME')
local start = now[1] * 1000000 + now[2]
local fresh = redis.call('EXISTS', KEYS[1], KEYS[2], KEYS[3]) < 3
if not fresh and redis.call('XLEN', KEYS[1]) == 0 then fresh = newest() == 0 end
if fresh then redis.call('SET', KEYS[3], string.format('%.0f', start)) end
if redis.call('EXISTS', KEYS[2]) == 0 then
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
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return redis.call('GET', KEYS[3])
"""
"""KEYS: stream, counter, when this stream began. ARGV: the entry's weight, the cap, the time to live (ms), field, body.

An entry's id is the number of bytes written before it, so that "all but the last N bytes" is a MINID. The count
begins at the server's time in microseconds: after a server lost its data, no new id is one that a reader still holds.
A counter that was lost while entries stand goes on from the newest of them. It returns when the stream began: another
beginning than the last time means that the server has lost what was in it. A stream in which nothing ever stood was
made by its reader: the one before it was evicted, and maybe it alone.
"""
KEPT_BYTES, KEPT_SECONDS = 512 * 1024, 30.0
"""What was sent of late and is sent again when the server lost its data: whether it was read by then is not known here,
and at the other end the numbers make it once."""


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
        self._begun: object = None
        self._kept: deque[tuple[float, bytes]] = deque()

    def send(self, parcel: bytes) -> None:
        """See Outlet."""
        memory = self._look()
        if crowded(self._limits, memory):
            raise TransportUnavailableError(
                f"{self._link.place} uses more than {self._limits.pause:.0%} of its maxmemory: the record waits",
                hint="Raise its maxmemory, or drain what fills it",
            )
        most = ceiling(self._limits, memory) - NODE
        if weight(len(parcel)) > most:
            raise TransportError(
                f"a parcel of {len(parcel)} bytes is over the record's cap of {most}",
                hint=f"The cap is {self._limits.share:.0%} of the broker's maxmemory: raise that",
            )
        self._append(parcel, most)
        self._keep(parcel)

    def close(self) -> None:
        """See Outlet."""
        self._link.close()
        self._looked = float("-inf")

    def _append(self, parcel: bytes, most: int) -> None:
        before, self._begun = self._begun, self._write(parcel, most)
        if before not in (None, self._begun):
            for _, kept in tuple(self._kept):
                self._write(kept, most)

    def _write(self, parcel: bytes, most: int) -> object:
        key, ttl = self._link.key, int(self._limits.ttl * 1000)
        keys = (key, f"{key}:bytes", f"{key}:begun")
        return self._link.ask("EVAL", _APPEND, len(keys), *keys, weight(len(parcel)), most, ttl, FIELD, parcel)

    def _keep(self, parcel: bytes) -> None:
        now = self._clock()
        self._kept.append((now, parcel))
        size = sum(len(body) for _, body in self._kept)
        while self._kept and (size > KEPT_BYTES or now - self._kept[0][0] > KEPT_SECONDS):
            size -= len(self._kept.popleft()[1])

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
