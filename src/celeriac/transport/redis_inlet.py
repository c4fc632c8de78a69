"""Parcels out of the Redis stream, by a group of readers: what one reader leaves behind, another takes over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, time
from typing import Any

from kombu import Connection

from celeriac.errors import TransportUnavailableError
from celeriac.transport.base import Delivery, Received
from celeriac.transport.cap import Limits
from celeriac.transport.redis_errors import GroupGoneError, GroupThereError
from celeriac.transport.redis_link import RedisLink
from celeriac.transport.redis_outlet import FIELD

GROUP = "celeriac"
_START = "0-0"
READS_WITHIN = 5.0
"""Seconds within which a reader that runs has asked for more."""


class RedisInlet:
    """An Inlet for the reader named `reader`; keep the name over restarts, or its rest comes `Limits.idle` late."""

    def __init__(
        self,
        connection: Connection,
        reader: str,
        limits: Limits | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._limits = limits or Limits()
        self._link = RedisLink(connection, self._limits.patience)
        self._reader = reader
        self._clock = clock
        self._joined = False
        self._owed: str | None = _START
        self._others: str | None = _START
        self._counted = (float("-inf"), 0)

    def receive(self, timeout: float, limit: int) -> Received:
        """See Inlet. What this reader left unacknowledged comes first, then what others left for too long."""
        try:
            return self._receive(timeout, limit)
        except GroupGoneError:
            self.close()
            return self._receive(0.0, limit)
        except TransportUnavailableError:
            self.close()
            raise

    def acknowledge(self, tags: tuple[str, ...]) -> None:
        """See Inlet."""
        if tags:
            self._link.send([("XACK", self._link.key, GROUP, *tags), ("XDEL", self._link.key, *tags)])

    def close(self) -> None:
        """See Inlet."""
        self._link.close()
        self._joined, self._owed, self._others = False, _START, _START

    def _receive(self, timeout: float, limit: int) -> Received:
        began = self._clock()
        self._join()
        left = self._left_by_us(limit) or self._left_by_others(limit)
        if left:
            return Received(began, left, current=False, others=self._other_readers())
        new = self._read_new(limit, timeout)
        current = len(new) < limit and not self._held_by_others()
        return Received(began, new, current, self._other_readers())

    def _join(self) -> None:
        """The group, made where it is missing; a stream made for it lives no longer than one that is written."""
        if self._joined:
            return
        with suppress(GroupThereError):
            self._link.ask("XGROUP", "CREATE", self._link.key, GROUP, "0", "MKSTREAM")
            self._link.ask("PEXPIRE", self._link.key, int(self._limits.ttl * 1000))
        self._joined = True

    def _left_by_us(self, limit: int) -> tuple[Delivery, ...]:
        """Once after a connect: what was given to this reader and never acknowledged."""
        while self._owed is not None:
            entries = _entries(self._read_group(self._owed, limit))
            self._owed = _text(entries[-1][0]) if entries else None
            if found := self._deliveries(entries):
                return found
        return ()

    def _left_by_others(self, limit: int) -> tuple[Delivery, ...]:
        """What a reader took and has not acknowledged for `Limits.idle`."""
        while self._others is not None:
            idle = int(self._limits.idle * 1000)
            reply = self._link.ask(
                "XAUTOCLAIM", self._link.key, GROUP, self._reader, idle, self._others, "COUNT", limit
            )
            cursor = _text(reply[0])
            self._others = cursor if cursor != _START else None
            if found := self._deliveries(reply[1]):
                return found
        return ()

    def _held_by_others(self) -> bool:
        """True while another reader has parcels that are not in the store yet."""
        readers = self._link.ask("XPENDING", self._link.key, GROUP)[3] or ()
        held = any(_text(name) != self._reader and int(count) for name, count in readers)
        if held:
            self._others = _START
        return held

    def _other_readers(self) -> int:
        """How many others read now, a few seconds old at most. To Redis before 7.2 a reader that finds nothing new is
        idle: asking for what is owed to it shows that it is there."""
        if monotonic() - self._counted[0] >= self._limits.look:
            self._read_group(_START, 1)
            told = self._link.ask("XINFO", "CONSUMERS", self._link.key, GROUP)
            readers = [dict(zip(one[::2], one[1::2], strict=False)) for one in told]
            others = [one for one in readers if _text(one[b"name"]) != self._reader]
            reading = sum(int(one[b"idle"]) < READS_WITHIN * 1000 for one in others)
            self._counted = (monotonic(), reading)
        return self._counted[1]

    def _read_new(self, limit: int, timeout: float) -> tuple[Delivery, ...]:
        block = int(min(timeout, self._limits.patience / 2) * 1000)
        return self._deliveries(_entries(self._read_group(">", limit, *(("BLOCK", block) if block > 0 else ()))))

    def _read_group(self, after: str, limit: int, *more: str | int) -> Any:
        return self._link.ask(
            *("XREADGROUP", "GROUP", GROUP, self._reader, "COUNT", limit, *more, "STREAMS", self._link.key, after)
        )

    def _deliveries(self, entries: Sequence[Any]) -> tuple[Delivery, ...]:
        """Entries as parcels; what was trimmed while it was being read is acknowledged, for there is nothing left."""
        self.acknowledge(tuple(_text(name) for name, fields in filter(None, entries) if fields is None))
        return tuple(Delivery(_text(name), _body(fields)) for name, fields in filter(None, entries) if fields)


def _entries(reply: Any) -> Sequence[Any]:
    """The entries of the one stream in an answer to XREADGROUP."""
    return reply[0][1] if reply else ()


def _body(fields: Sequence[bytes]) -> bytes:
    """The parcel in an entry; empty when somebody else wrote it."""
    return dict(zip(fields[::2], fields[1::2], strict=False)).get(FIELD.encode(), b"")


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
