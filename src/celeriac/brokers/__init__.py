"""Read-only looks at the user's broker. `Broker` is a public plugin point: entry-point group `celeriac.brokers`,
one class per URL scheme, proven by `celeriac.testing.broker_contract`."""

from celeriac.brokers.base import Broker, EventBatch, EventStream

__all__ = ["Broker", "EventBatch", "EventStream"]
