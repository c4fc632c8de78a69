"""The look loop: the broker's queues, held messages, consumers and health, sampled."""

from __future__ import annotations

from celeriac.brokers import Broker
from celeriac.collector.broker_changes import changes, remembered
from celeriac.collector.marking import failed, read
from celeriac.errors import BrokerError
from celeriac.model.broker import BrokerLook
from celeriac.store import Batch, Store

NAME = "broker"


class LookLoop:
    """One look a second, in one transaction with its mark."""

    name = "look"

    def __init__(self, broker: Broker, store: Store, interval: float) -> None:
        self.interval = interval
        self._broker = broker
        self._store = store
        self._before: BrokerLook | None = None

    def step(self, now: float) -> bool:
        """One look. Raises BrokerError after recording that it failed."""
        try:
            look = self._broker.look(now)
        except BrokerError as error:
            self._store.record(Batch(now, marks=(failed(NAME, now, error),)))
            raise
        before = self._before or self._store.broker()
        changed = changes(before, look)
        marks, spots = (read(NAME, now),), {NAME: look.blind_spots}
        self._store.record(Batch(now, look=look, evidence=changed, marks=marks, blind_spots=spots))
        self._before = remembered(before, look)
        return False

    def close(self) -> None:
        """The broker is the root's to close: other loops may still be talking to it."""
