"""One bounded, read-only look at a Redis or Valkey broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from celeriac.brokers.redis_clients import read_consumers
from celeriac.brokers.redis_discovery import Discovery
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Link
from celeriac.brokers.redis_queues import QueueReader
from celeriac.brokers.redis_server import Server, read_server, record_age
from celeriac.brokers.redis_unacked import Unacked, read_unacked
from celeriac.clock import Clock
from celeriac.model.broker import BrokerLook
from celeriac.model.finding import BlindSpot
from celeriac.model.queue import QueueSample


class Looker:
    """Looks again and again, keeping what earlier looks found out: the queues' names and who stood at their ends."""

    def __init__(self, link: Link, keys: Keys, max_queues: int, max_messages: int, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._max_messages = max_messages
        self._clock = clock
        self._contents: tuple[str | None, int | None] | None = None
        self.discovery = Discovery(keys, max_queues)
        self._queues = QueueReader(keys)

    def watch(self, names: Iterable[str]) -> None:
        """Look at these queues too."""
        self.discovery.watch(names)

    def look(self, at: float) -> BrokerLook:
        """Server, queues, unacknowledged messages, consumers. While the server loads its data only itself is seen."""
        server = read_server(self._link)
        if server.loading:
            unseen = BlindSpot("broker contents", "the server is loading its data", "queues and held messages")
            return self._finish(_bare(server, at, unseen))
        age = record_age(self._link, self._keys)
        begun = None if age is None else self._clock.now() - age
        if self._contents not in (None, (server.run_id, server.flushes)):
            self.discovery.renew()
        self._contents = (server.run_id, server.flushes)
        self.discovery.advance(self._link, at)
        depths = self._queues.read(self._link, at, self.discovery.queues)
        unacked = read_unacked(self._link, self._keys, self._max_messages, self.discovery.queue_of)
        consumers, unseen_clients = read_consumers(self._link, server.clients)
        spots = (*self.discovery.blind_spots, *depths.blind_spots, *unacked.blind_spots, *unseen_clients)
        return self._finish(
            replace(
                _bare(server, at, *spots),
                queues=_with_unacked(depths.samples, unacked),
                held=unacked.held,
                held_count=unacked.count,
                held_complete=unacked.complete,
                consumers=consumers,
                bound=self.discovery.bound,
                bound_at=self.discovery.bound_at,
                record_since=begun,
            )
        )

    def _finish(self, look: BrokerLook) -> BrokerLook:
        return replace(look, ended=self._clock.now(), address=self._link.peer, database=self._keys.database)


def _bare(server: Server, at: float, *spots: BlindSpot) -> BrokerLook:
    return BrokerLook(
        at=at,
        ended=at,
        kind=server.kind,
        version=server.version,
        role=server.role,
        latency=server.latency,
        used_memory=server.used_memory,
        max_memory=server.max_memory,
        eviction_policy=server.eviction_policy,
        evicted_keys=server.evicted_keys,
        persistence=server.persistence,
        clients=server.clients,
        max_clients=server.max_clients,
        loading=server.loading,
        run_id=server.run_id,
        started_at=server.started_at,
        flushes=server.flushes,
        refused=server.refused,
        blind_spots=(*server.blind_spots, *spots),
    )


def _with_unacked(samples: Iterable[QueueSample], unacked: Unacked) -> tuple[QueueSample, ...]:
    if unacked.held is None or not unacked.complete:
        return tuple(samples)
    counts = Counter(held.queue for held in unacked.held)
    return tuple(replace(sample, unacked=counts[sample.queue]) for sample in samples)
