"""Whether a task can still be in RabbitMQ. No message shows its id, so only an empty queue proves anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from celeriac.brokers.rabbit_line import Line
from celeriac.brokers.rabbit_managed import REPORTING, Managed, Manager
from celeriac.brokers.rabbit_management import Queue, Total
from celeriac.brokers.rabbit_reports import Reports
from celeriac.errors import BrokerError
from celeriac.model.sighting import Search, Wanted

REPORTED = 7.0
"""Seconds after which the management API shows no figure of a quorum queue from before: they report every five
(`quorum_tick_interval`)."""
PATIENCE = 30.0
"""Seconds for which the reports of the other queues are waited for."""
EVERY = 1.0
"""Seconds between two looks at which report is the newest."""
UNMANAGED = "RabbitMQ tells what is delivered only by its management API: set broker.management_url"
OUTDATED = f"what the management API shows is older than {PATIENCE:.0f} s: see collect_statistics_interval"


@dataclass(slots=True)
class _Begun:
    at: float
    ids: Mapping[str, str | None]
    reports: Reports = field(default_factory=Reports)
    heard_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the management API shows at the end of a search. Its usual figures may be ten seconds old: each queue
    reports every five, and the server takes the reports in every five; the totals skip the second."""

    managed: Managed
    totals: Mapping[str, Total]


class Searcher:
    """A search lasts until all that the management API shows is younger than its beginning. A queue that was empty
    then, nothing delivered from it, held none of the tasks wanted; neither did places aside, if they were empty."""

    def __init__(self, line: Line, manager: Manager | None) -> None:
        self._line = line
        self._manager = manager
        self._begun: _Begun | None = None

    def search(self, wanted: Wanted, at: float) -> Search:
        """See Broker. Raises BrokerUnavailableError when AMQP fails."""
        if self._begun is None or at < self._begun.at:
            self._begun = _Begun(at, dict(wanted.ids))
        begun = self._begun
        if self._is_early(begun, at):
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

    def _is_early(self, begun: _Begun, at: float) -> bool:
        """True while the management API may show what was before the beginning; not when it fails."""
        if self._manager is None:
            return False
        try:
            if at - begun.heard_at >= EVERY:
                begun.heard_at = at
                begun.reports.hear(self._manager.reports())
        except BrokerError:
            return False
        return at - begun.at < (REPORTED if begun.reports.are_whole else PATIENCE)

    def _reasons(self, begun: _Begun, at: float) -> dict[str, str]:
        """Why each may still be there; "" for what cannot."""
        if self._manager is None:
            return dict.fromkeys(begun.ids, UNMANAGED)
        try:
            managed, totals = self._manager.read(at), self._manager.totals()
        except BrokerError as error:
            return dict.fromkeys(begun.ids, f"the management API fails: {error}")
        if managed.blind_spots:
            return dict.fromkeys(begun.ids, "; ".join(spot.why for spot in managed.blind_spots))
        if not begun.reports.are_whole or at - begun.at < REPORTED:
            return dict.fromkeys(begun.ids, OUTDATED)
        shown = _Shown(managed, totals)
        aside = self._aside(shown)
        places = {queue: aside or self._in_queue(shown, queue) for queue in set(begun.ids.values())}
        return {one: places[queue] for one, queue in begun.ids.items()}

    def _aside(self, shown: _Shown) -> str:
        names = (name for name in shown.managed.roles if shown.managed.queue(name) is not None)
        return next((reason for name in names if (reason := self._in_queue(shown, name))), "")

    def _in_queue(self, shown: _Shown, name: str | None) -> str:
        """Why a task may be in `name`, or in any queue where it is not known which."""
        if name is None:
            names = (queue.name for queue in shown.managed.queues)
            return next((reason for one in names if (reason := self._in_queue(shown, one))), "")
        queue = shown.managed.queue(name)
        return self._contents(queue, shown.totals.get(name)) if queue is not None else self._vanished(name)

    def _contents(self, queue: Queue, total: Total | None) -> str:
        ready, unacked = (total.messages_ready, total.messages_unacknowledged) if total is not None else (None, None)
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
