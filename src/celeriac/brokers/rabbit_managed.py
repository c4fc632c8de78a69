"""What the management API shows, read together every few seconds: it is no younger than that itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from celeriac.brokers.rabbit_management import (
    Binding,
    Channel,
    Connection,
    Consumer,
    Management,
    Node,
    Queue,
    Total,
)
from celeriac.brokers.rabbit_roles import holds_tasks, roles
from celeriac.brokers.rabbit_url import CLIENT_NAME
from celeriac.errors import BrokerError, BrokerUnavailableError
from celeriac.model import broker
from celeriac.model.finding import BlindSpot

EVERY = 2.0
"""Seconds between two readings: RabbitMQ's own figures are up to five seconds old."""
REST = 10.0
"""Times as long as a failure took, the API is left alone: one that hangs must not hold up every look."""
REPORTING = frozenset({"running", "idle", "flow"})
"""States of a queue in which what it says is the truth; the others have lost their process or its leader."""


@dataclass(frozen=True, slots=True)
class Managed:
    """One reading, begun at `at`. `queues` are those that may hold tasks, the deepest first. `run_id` names this life
    of all nodes, `started_at` is when its youngest node started."""

    at: float
    queues: tuple[Queue, ...]
    roles: Mapping[str, str]
    consumers: tuple[broker.Consumer, ...]
    clients: int
    blocked: int
    alarms: tuple[str, ...]
    used_memory: int | None
    max_memory: int | None
    run_id: str | None = None
    started_at: float | None = None
    blind_spots: tuple[BlindSpot, ...] = ()

    @property
    def published(self) -> Mapping[str, int] | None:
        """How many messages each queue ever took; None when not all queues were read."""
        if self.blind_spots:
            return None
        return {one.name: one.message_stats.publish if one.message_stats else 0 for one in self.queues}

    def queue(self, name: str) -> Queue | None:
        """The named queue."""
        return next((queue for queue in self.queues if queue.name == name), None)


class Manager:
    """Reads the management API when its last reading is old enough, and remembers where exchanges lead."""

    def __init__(self, api: Management, most: int) -> None:
        self._api = api
        self._most = most
        self._last: Managed | None = None
        self._bindings: dict[str, list[Binding]] = {}
        self._failure: BrokerError | None = None
        self._again = 0.0

    @property
    def place(self) -> str:
        """host:port."""
        return self._api.place

    def read(self, at: float) -> Managed:
        """The newest reading. Raises BrokerUnavailableError, BrokerError; what failed slowly is not asked again for a
        while, and fails with the same words."""
        began = monotonic()
        if self._failure is not None and began < self._again:
            raise self._failure
        if self._last is None or not 0 <= at - self._last.at < EVERY:
            self._last = self._failure = None
            try:
                self._last = self._read(at)
            except BrokerError as error:
                self._failure, self._again = error, monotonic() + REST * (monotonic() - began)
                raise
        return self._last

    def reports(self) -> Mapping[str, int | None]:
        """Which report of each node the API shows now: they differ in the node's uptime."""
        self._api.begin()
        return {node.name: node.uptime for node in self._api.nodes() if node.running}

    def totals(self) -> Mapping[str, Total]:
        """What each queue last counted; without those of a server that does not tell it (before 3.8.10)."""
        self._api.begin()
        return {one.name: one for one in self._api.totals() if one.messages_details is None}

    def close(self) -> None:
        """Drop every connection."""
        self._api.close()

    def _read(self, at: float) -> Managed:
        self._bindings.clear()
        self._api.begin()
        page, nodes = self._api.queues(self._most), self._api.nodes()
        connections, consumers, channels = self._api.connections(), self._api.consumers(), self._api.channels()
        tight = max(nodes, key=_share, default=None)
        return Managed(
            at=at,
            queues=tuple(queue for queue in page.items if not queue.exclusive and holds_tasks(queue.name)),
            roles=roles(page.items, self._lead),
            consumers=_consumers(at, connections, consumers, channels),
            clients=len(connections),
            blocked=sum(one.state == "blocked" for one in connections),
            alarms=_alarms(nodes),
            used_memory=tight.mem_used if tight else None,
            max_memory=tight.mem_limit if tight else None,
            run_id=_run_id(nodes),
            started_at=max((at - one.uptime / 1000 for one in nodes if one.uptime is not None), default=None),
            blind_spots=_too_many(page.filtered_count, len(page.items)),
        )

    def _lead(self, exchange: str) -> list[Binding]:
        if exchange not in self._bindings:
            try:
                self._bindings[exchange] = self._api.bindings(exchange)
            except BrokerUnavailableError:
                raise
            except BrokerError:
                self._bindings[exchange] = []  # a dead-letter exchange that is none leads nowhere
        return self._bindings[exchange]


def _share(node: Node) -> float:
    return (node.mem_used or 0) / (node.mem_limit or 1)


def _run_id(nodes: list[Node]) -> str | None:
    """None while a node is down, or does not say: whether it comes back as another life is not known yet."""
    lives = [f"{node.name} {node.os_pid}" for node in nodes if node.running and node.os_pid is not None]
    return " ".join(sorted(lives)) if nodes and len(lives) == len(nodes) else None


def _alarms(nodes: list[Node]) -> tuple[str, ...]:
    memory = any(node.mem_alarm for node in nodes)
    disk = any(node.disk_free_alarm for node in nodes)
    return (*(("memory",) if memory else ()), *(("disk",) if disk else ()))


def _too_many(there: int, read: int) -> tuple[BlindSpot, ...]:
    if there <= read:
        return ()
    return (BlindSpot("queues", f"{there} are more than the {read} read at once", "the rest; raise broker.max_queues"),)


def _consumers(
    at: float, connections: list[Connection], consumers: list[Consumer], channels: list[Channel]
) -> tuple[broker.Consumer, ...]:
    """The clients that consume: `waiting` for tasks, `subscribed` to remote control."""
    takes: dict[str, set[bool]] = {}
    for consumer in consumers:
        takes.setdefault(consumer.connection, set()).add(holds_tasks(consumer.queue.name))
    held: Counter[str] = Counter()
    for channel in channels:
        if not isinstance(channel.connection_details, list):
            held[channel.connection_details.name] += channel.messages_unacknowledged
    return tuple(
        broker.Consumer(
            address=f"{one.peer_host}:{one.peer_port}",
            age=max(0.0, at - one.connected_at / 1000),
            waiting=True in takes.get(one.name, ()),
            subscribed=False in takes.get(one.name, ()),
            name=str(one.client_properties.get("connection_name") or ""),
            unacked=held[one.name],
        )
        for one in connections
        if one.name in takes and one.client_properties.get("connection_name") != CLIENT_NAME
    )
