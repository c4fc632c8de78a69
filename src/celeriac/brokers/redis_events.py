"""A subscription to Celery's events over Redis pub/sub."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from celeriac.brokers.base import EventBatch
from celeriac.brokers.event_decoder import Decoded, decode
from celeriac.brokers.redis_link import Link
from celeriac.clock import Clock
from celeriac.errors import BrokerError, BrokerUnavailableError
from celeriac.model.event import Event

SILENCE = 5.0
"""Seconds a PING may stay unanswered before the connection is held to be dead: a half-open socket never errs."""


@dataclass(slots=True)
class _Read:
    """What one read has gathered so far."""

    events: list[Event] = field(default_factory=list)
    junk: int = 0
    example: str = ""
    proven: float | None = None

    def add(self, decoded: Decoded) -> None:
        self.events.extend(decoded.events)
        if decoded.junk:
            self.junk += 1
            self.example = self.example or decoded.junk


class RedisEvents:
    """Reads events and proves how far: the server answers our PING behind everything that was published before it.

    So a batch is `current` when a PONG came in it, and its `began` is the time that PING was sent.
    """

    def __init__(self, link: Link, pattern: bytes, clock: Clock) -> None:
        self._link = link
        self._pattern = pattern
        self._clock = clock
        self._ping: tuple[float, float] | None = None
        self._subscribed = False
        self._lost = False

    def read(self, timeout: float, limit: int) -> EventBatch:
        """See EventStream. Returns early once something came and nothing more waits."""
        began = self._clock.now()
        read = _Read()
        reconnected = False
        try:
            reconnected = self._subscribe()
            self._gather(read, monotonic() + timeout, limit)
        except BrokerError:
            self._drop()
            if not read.events:
                raise
        return EventBatch(
            began=began if read.proven is None else read.proven,
            events=tuple(read.events),
            current=read.proven is not None,
            junk=read.junk,
            example=read.example,
            reconnected=reconnected,
        )

    def close(self) -> None:
        """End the subscription."""
        self._link.close()
        self._ping, self._subscribed = None, False

    def _subscribe(self) -> bool:
        """Subscribe if need be, and wait for the server's word that it is done; true after a lost connection."""
        if self._subscribed:
            return False
        self._link.open()
        self._link.write("PSUBSCRIBE", self._pattern)
        answer = self._link.receive(self._link.timeout)
        if not isinstance(answer, list) or answer[0] != b"psubscribe":
            raise BrokerUnavailableError(
                f"{self._link.address.place} does not confirm a subscription in time", cause="network"
            )
        self._subscribed = True
        reconnected, self._lost = self._lost, False
        return reconnected

    def _drop(self) -> None:
        self._lost = self._lost or self._subscribed
        self.close()

    def _gather(self, read: _Read, deadline: float, limit: int) -> None:
        self._question()
        while len(read.events) < limit:
            done = read.proven is not None and bool(read.events or read.junk)
            answer = self._link.receive(0.0 if done else deadline - monotonic())
            if answer is None:
                break
            self._take(answer, read)
        self._check_silence()

    def _question(self) -> None:
        if self._ping is None:
            self._ping = (self._clock.now(), monotonic())
            self._link.write("PING")

    def _take(self, answer: Any, read: _Read) -> None:
        if not isinstance(answer, list) or not answer:
            return
        if answer[0] == b"pmessage":
            read.add(decode(answer[3], self._clock.now()))
        elif answer[0] == b"pong" and self._ping is not None:
            read.proven, self._ping = self._ping[0], None

    def _check_silence(self) -> None:
        if self._ping is not None and monotonic() - self._ping[1] > SILENCE:
            raise BrokerUnavailableError(
                f"{self._link.address.place} has answered nothing for {SILENCE:g} s",
                hint="Check the network between here and there, and whether the server hangs",
                cause="network",
            )
