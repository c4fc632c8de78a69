"""What a broker adapter promises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from celeriac.model.broker import BrokerLook
from celeriac.model.event import Event
from celeriac.model.worker import Worker


@dataclass(frozen=True, slots=True)
class EventBatch:
    """What one read of the event stream gave.

    `began` is Unix seconds when the read began: all that was sent before has been read when `current`, that is when
    the broker was seen to answer on this connection. `junk` counts messages that are no events, `example` shows one.
    `reconnected` is true on the first read after a lost connection: what was sent meanwhile is gone.
    """

    began: float
    events: tuple[Event, ...] = ()
    current: bool = True
    junk: int = 0
    example: str = ""
    reconnected: bool = False


class EventStream(Protocol):
    """Celery's native events, as they come."""

    def read(self, timeout: float, limit: int) -> EventBatch:
        """Events that arrive within `timeout` seconds, at most `limit` (about: a message is never cut).

        Raises BrokerUnavailableError; the next read connects again.
        """
        ...

    def close(self) -> None:
        """End the subscription."""
        ...


class Broker(Protocol):
    """One broker, seen read-only. Every call has a timeout and raises BrokerUnavailableError with its cause
    (down | auth | network | too-many-clients), or BrokerError when what answers is no such broker."""

    label: str
    """The address without secrets."""

    def look(self, at: float) -> BrokerLook:
        """One bounded look at queues, unacknowledged messages, consumers and the server itself, begun at `at`."""
        ...

    def events(self) -> EventStream:
        """A new subscription to native events; connects on the first read."""
        ...

    def ask(self, at: float) -> tuple[Worker, ...]:
        """What living workers answer to inspect: their queues, pool, claims. No reply is not death. Leaves no key."""
        ...

    def watch_queues(self, names: Iterable[str]) -> None:
        """Look at these queues too, though nothing on the broker names them: what living workers consume."""
        ...

    def enable_events(self) -> None:
        """Tell every worker to send task events (remote control; asked for by --enable-events only)."""
        ...

    def close(self) -> None:
        """Drop every connection."""
        ...
