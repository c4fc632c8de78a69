"""One bounded, read-only look at RabbitMQ: over AMQP what is true now, by the management API the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from time import monotonic

from amqp.exceptions import ChannelError

from celeriac.brokers.rabbit_alarm import Alarm
from celeriac.brokers.rabbit_line import Depth, Line
from celeriac.brokers.rabbit_managed import Managed, Manager
from celeriac.brokers.rabbit_roles import DELAYED, holds_tasks
from celeriac.clock import Clock
from celeriac.errors import BrokerError
from celeriac.model.broker import BrokerLook
from celeriac.model.finding import BlindSpot
from celeriac.model.queue import QueueSample

DEFAULT_QUEUE = "celery"
SHARE = 0.5
"""Of the timeout, that counting queues one after the other may take in one look."""
_IDS = BlindSpot("task ids", "RabbitMQ shows no message", "which tasks wait or are held; install the recorder")
_SILENT = BlindSpot(
    "memory and disk alarms",
    "a message to nowhere was not confirmed",
    "whether publishers are refused; let this user write to amq.default, or set broker.management_url",
)
_UNMANAGED = BlindSpot(
    "unacknowledged messages and connections",
    "AMQP does not tell them",
    "what consumers hold, and queues that nobody named; set broker.management_url",
)


class Looker:
    """Looks again and again. `watch` names queues that no API tells of."""

    def __init__(self, line: Line, alarm: Alarm, manager: Manager | None, max_queues: int, clock: Clock) -> None:
        self._line = line
        self._alarm = alarm
        self._manager = manager
        self._max_queues = max_queues
        self._clock = clock
        self._watched: dict[str, None] = {DEFAULT_QUEUE: None}

    def watch(self, names: Iterable[str]) -> None:
        """Look at these queues too, as many as one look may have."""
        fresh = (name for name in names if holds_tasks(name))
        self._watched = dict.fromkeys([*self._watched, *fresh][: self._max_queues])

    def look(self, at: float) -> BrokerLook:
        """Raises BrokerUnavailableError, BrokerError when AMQP fails; the management API's failure is a blind spot."""
        with self._line.door():
            latency = self._line.ping()
            server, peer = self._line.server, self._line.peer
        managed, spots = self._managed(at)
        counts, uncounted = self._count(managed)
        look = BrokerLook(
            at=at,
            ended=at,
            kind=str(server.get("product", "AMQP")).lower(),
            version=str(server["version"]) if "version" in server else None,
            role=None,
            latency=latency,
            address=peer,
            queues=tuple(_samples(at, counts, managed)),
            blind_spots=(_IDS, *spots, *uncounted),
        )
        whole = _with(look, managed, counts) if managed is not None else _alarmed(look, self._alarm.check())
        return replace(whole, ended=self._clock.now())

    def close(self) -> None:
        """Drop every connection."""
        self._line.close()
        self._alarm.close()
        if self._manager is not None:
            self._manager.close()

    def _managed(self, at: float) -> tuple[Managed | None, tuple[BlindSpot, ...]]:
        if self._manager is None:
            return None, (_UNMANAGED,)
        try:
            managed = self._manager.read(at)
        except BrokerError as error:
            return None, (BlindSpot("management API", str(error), _UNMANAGED.would_add),)
        return managed, managed.blind_spots

    def _count(self, managed: Managed | None) -> tuple[dict[str, Depth | None], tuple[BlindSpot, ...]]:
        """How deep each queue is now, None where it is gone. What there is no time for, or does not say, is left to the
        management API."""
        names = dict.fromkeys(
            [*(queue.name for queue in managed.queues if managed), *self._watched] if managed else self._watched
        )
        counts: dict[str, Depth | None] = {}
        silent: list[str] = []
        deadline = monotonic() + SHARE * self._line.timeout
        for name in names:
            if monotonic() > deadline:
                silent.append(name)
                continue
            with self._line.door():
                try:
                    depth = self._line.depth(name)
                except ChannelError:
                    silent.append(name)
                    continue
            counts[name] = depth
        if managed is not None or not silent:
            return counts, ()
        return counts, (
            BlindSpot("queues", f"{len(silent)} did not say how deep they are in time", ", ".join(silent[:5])),
        )


def _alarmed(look: BrokerLook, alarms: tuple[str, ...] | None) -> BrokerLook:
    spots = (*look.blind_spots, *((_SILENT,) if alarms is None else ()))
    return replace(look, alarms=alarms, blind_spots=spots)


def _samples(at: float, counts: Mapping[str, Depth | None], managed: Managed | None) -> Iterator[QueueSample]:
    told = {queue.name: queue for queue in managed.queues} if managed else {}
    for name in dict.fromkeys([*counts, *told]):
        now, queue = counts.get(name), told.get(name)
        ready = now.ready if now else queue.messages_ready if queue else None
        if ready is None:
            continue
        yield QueueSample(
            name,
            at,
            ready,
            unacked=queue.messages_unacknowledged if queue else None,
            consumers=now.consumers if now else queue.consumers if queue else None,
            role=_role(name, managed),
        )


def _role(name: str, managed: Managed | None) -> str | None:
    if managed is not None:
        return managed.roles.get(name)
    return "delayed" if DELAYED.search(name) else None


def _with(look: BrokerLook, managed: Managed, counts: Mapping[str, Depth | None]) -> BrokerLook:
    """The API may still show a queue that is gone by now."""
    gone = {name for name, depth in counts.items() if depth is None}
    published = managed.published
    unacked = [queue.messages_unacknowledged for queue in managed.queues]
    outdated = any(sample.consumers for sample in look.queues) and not any(one.waiting for one in managed.consumers)
    return replace(
        look,
        used_memory=managed.used_memory,
        max_memory=managed.max_memory,
        clients=managed.clients,
        consumers=None if outdated else managed.consumers,
        held_count=None if None in unacked else sum(one or 0 for one in unacked),
        alarms=managed.alarms,
        blocked=managed.blocked,
        run_id=managed.run_id,
        started_at=managed.started_at,
        published=None if published is None else {one: published[one] for one in published.keys() - gone},
    )
