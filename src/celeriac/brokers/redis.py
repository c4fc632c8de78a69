"""Redis and Valkey as Celery's broker, seen read-only."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.brokers.address import parse
from celeriac.brokers.inspect import Inspector
from celeriac.brokers.redis_events import RedisEvents
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Link
from celeriac.brokers.redis_look import Looker
from celeriac.clock import Clock, SystemClock
from celeriac.model.broker import BrokerLook
from celeriac.model.worker import Worker
from celeriac.settings import BrokerSettings


class RedisBroker:
    """The adapter for redis://, rediss:// and redis+socket://.

    `look` and `ask` have a connection each and every subscription its own, so each may have a thread of its own.
    """

    def __init__(self, settings: BrokerSettings, clock: Clock | None = None) -> None:
        self._address = parse(settings.url.get_secret_value())
        self._timeout = settings.timeout
        self._clock = clock or SystemClock()
        self._keys = Keys(settings.global_keyprefix, self._address.db)
        self._look_link = self._link()
        self._looker = Looker(
            self._look_link, self._keys, settings.max_queues, settings.max_messages_per_look, self._clock
        )
        self._inspector = Inspector(self._link(), self._keys, self._clock)
        self.label = self._address.label

    def watch_queues(self, names: Iterable[str]) -> None:
        """Look at these queues too, though nothing on the broker names them: what living workers consume."""
        self._looker.watch(names)

    def look(self, at: float) -> BrokerLook:
        """One bounded look. Raises BrokerUnavailableError with its cause, BrokerError."""
        return self._looker.look(at)

    def events(self) -> RedisEvents:
        """A new subscription; connects on the first read."""
        return RedisEvents(self._link(), self._keys.events, self._clock)

    def ask(self, at: float) -> tuple[Worker, ...]:
        """What living workers answer. Raises as `look` does; leaves no key."""
        return self._inspector.ask(at)

    def enable_events(self) -> None:
        """Tell every worker to send task events."""
        self._inspector.enable_events()

    def close(self) -> None:
        """Drop every connection but those of subscriptions, which their readers close."""
        self._look_link.close()
        self._inspector.close()

    def _link(self) -> Link:
        return Link(self._address, self._timeout)
