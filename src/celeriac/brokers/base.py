"""What a broker adapter promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from celeriac.model.broker import BrokerLook
from celeriac.model.event import Event
from celeriac.model.sighting import Search, Wanted
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


@dataclass(frozen=True, slots=True)
class Claim:
    """A held message to put back: its delivery tag, the task in it, and when it was delivered, by the consumer's clock,
    as the look showed it (`since`): one delivered again since then is another matter."""

    tag: str
    task_id: str
    since: float


RestoreOutcome = Literal["restored", "gone", "taken-again", "unroutable", "fenced", "changed"]
"""What became of a claim: it is in its queue again; nobody holds it any more; somebody else has been given it
meanwhile; its exchange leads to no queue, so that putting it back would lose it; a later holder of the lease has begun;
what the tag holds is another message."""


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

    def search(self, wanted: Wanted, at: float) -> Search:
        """Look for tasks, read-only, within a budget for this call. Called again with what is wanted then, until
        `done`; ids that were not wanted from the beginning of a search are left to the next one."""
        ...

    def was_looked_at(self, look: BrokerLook) -> bool:
        """False when `look` was at another broker, at another part of it, or before it started anew: then nothing may
        be put back by what it saw."""
        ...

    def restore(self, claim: Claim, fence: int) -> RestoreOutcome:
        """Put one held message back to where the next consumer takes it, once: the claim on the tag, its age, the
        routing and the push are one atomic act. The message says how often it was (header `celeriac_rescued`).

        `fence` is the number of the caller's lease: one smaller than was seen before is refused. Raises
        UnsupportedByBrokerError where the broker itself gives back what the dead held.
        """
        ...

    def publish(self, payload: Mapping[str, Any]) -> None:
        """Publish a message exactly as it was (`worker/payload.py`, `exact`); it has been confirmed when this returns,
        where the broker can. Raises BrokerUnavailableError, BrokerError when it leads to no queue."""
        ...

    def enable_events(self) -> None:
        """Tell every worker to send task events (remote control; asked for by --enable-events only)."""
        ...

    def close(self) -> None:
        """Drop every connection."""
        ...
