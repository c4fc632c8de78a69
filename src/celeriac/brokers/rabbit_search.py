"""Whether a task can still be in RabbitMQ. No message shows its id, so only an empty queue proves anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from celeriac.brokers.rabbit_line import Line
from celeriac.brokers.rabbit_managed import REPORTING, Managed, Manager
from celeriac.brokers.rabbit_management import Queue
from celeriac.errors import BrokerError
from celeriac.model.sighting import Search, Wanted

REPORTED = 7.0
"""Seconds after which the management API shows no figure from before: queues report every five
(collect_statistics_interval)."""
UNMANAGED = "RabbitMQ tells what is delivered only by its management API: set broker.management_url"


@dataclass(frozen=True, slots=True)
class _Begun:
    at: float
    ids: Mapping[str, str | None]


class Searcher:
    """A search waits until all that the management API shows is younger than its beginning. A queue that was empty
    then, nothing delivered from it, held none of the tasks wanted; neither did places aside, if they were empty."""

    def __init__(self, line: Line, manager: Manager | None) -> None:
        self._line = line
        self._manager = manager
        self._begun: _Begun | None = None

    def search(self, wanted: Wanted, at: float) -> Search:
        """See Broker. Raises BrokerUnavailableError when AMQP fails."""
        begun = self._begun = self._begun or _Begun(at, dict(wanted.ids))
        if self._manager is not None and 0 <= at - begun.at < REPORTED:
            return Search(begun.at, done=False)
        self._begun = None
        reasons = self._reasons(begun, at)
        return Search(
            begun.at,
            done=True,
            absent=frozenset(one for one, reason in reasons.items() if not reason),
            unsure={one: reason for one, reason in reasons.items() if reason},
        )

    def close(self) -> None:
        """Drop the connection, and what was begun."""
        self._begun = None
        self._line.close()
        if self._manager is not None:
            self._manager.close()

    def _reasons(self, begun: _Begun, at: float) -> dict[str, str]:
        """Why each may still be there; "" for what cannot."""
        try:
            managed = self._manager.read(at) if self._manager is not None else None
        except BrokerError as error:
            return dict.fromkeys(begun.ids, f"the management API fails: {error}")
        if managed is None:
            return dict.fromkeys(begun.ids, UNMANAGED)
        if managed.blind_spots:
            return dict.fromkeys(begun.ids, "; ".join(spot.why for spot in managed.blind_spots))
        aside = self._aside(managed)
        places = {queue: aside or self._in_queue(managed, queue) for queue in set(begun.ids.values())}
        return {one: places[queue] for one, queue in begun.ids.items()}

    def _aside(self, managed: Managed) -> str:
        names = (name for name in managed.roles if managed.queue(name) is not None)
        return next((reason for name in names if (reason := self._in_queue(managed, name))), "")

    def _in_queue(self, managed: Managed, name: str | None) -> str:
        """Why a task may be in `name`, or in any queue where it is not known which."""
        if name is None:
            names = (queue.name for queue in managed.queues)
            return next((reason for one in names if (reason := self._in_queue(managed, one))), "")
        queue = managed.queue(name)
        return self._contents(queue) if queue is not None else self._vanished(name)

    def _contents(self, queue: Queue) -> str:
        ready, unacked = queue.messages_ready, queue.messages_unacknowledged
        if queue.state not in REPORTING or ready is None or unacked is None:
            return f"the queue {queue.name} does not say what it holds: it is {queue.state}"
        if queue.type == "stream":
            return f"{queue.name} is a stream, which keeps what was read"
        with self._line.door():
            now = self._line.depth(queue.name)
        ready = ready or (now.ready if now else 0)
        if ready:
            return f"it may be one of the {ready} waiting in {queue.name}: RabbitMQ shows no ids"
        if unacked:
            return f"it may be one of the {unacked} delivered from {queue.name}: RabbitMQ shows no ids"
        return ""

    def _vanished(self, name: str) -> str:
        with self._line.door():
            there = self._line.depth(name)
        return f"the queue {name} is hidden from the management user" if there is not None else ""
