"""The ask loop: what workers answer to inspect, sparingly: every half minute, and soon after a new life appears."""

from __future__ import annotations

from celeriac.brokers import Broker
from celeriac.model.worker import Worker
from celeriac.store import Batch, Store

SETTLE = 3.0
REPEATS = 3
"""Further questions after an answer in part: a worker that comes up, or is out of breath, says only some of it."""
RECENT = 10.0


class AskLoop:
    """Ask when due. No reply says nothing: silence is judged elsewhere, from heartbeats and the host."""

    name = "ask"
    interval = 1.0

    def __init__(self, broker: Broker, store: Store, every: float, *, enable_events: bool = False) -> None:
        self._broker = broker
        self._store = store
        self._every = every
        self._enable_events = enable_events
        self._asked_at = float("-inf")
        self._repeats = 0

    def step(self, now: float) -> bool:
        """Ask every worker if it is time. Raises BrokerError."""
        if not self._due(now):
            return False
        if self._enable_events:
            self._broker.enable_events()
        workers = self._broker.ask(now)
        self._broker.watch_queues({queue for worker in workers for queue in worker.queues or ()})
        self._store.record(Batch(now, workers=workers))
        self._asked_at = now
        in_part = any(worker.queues is None for worker in workers)
        self._repeats = self._repeats + 1 if in_part else 0
        return False

    def close(self) -> None:
        """Nothing is held between asks."""

    def _due(self, now: float) -> bool:
        if now - self._asked_at >= self._every:
            return True
        if now - self._asked_at < SETTLE:
            return False
        return 0 < self._repeats <= REPEATS or any(_unasked(worker, now) for worker in self._store.workers())


def _unasked(worker: Worker, now: float) -> bool:
    return worker.asked_at is None and now - worker.heartbeat_seen <= RECENT and not worker.said_goodbye()
