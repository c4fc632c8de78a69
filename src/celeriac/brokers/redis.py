"""Redis and Valkey as Celery's broker: looked at read-only, and given back what was held when asked to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.brokers.address import parse
from celeriac.brokers.base import Claim, RestoreOutcome
from celeriac.brokers.inspect import Inspector
from celeriac.brokers.redis_events import RedisEvents
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Link
from celeriac.brokers.redis_look import Looker
from celeriac.brokers.redis_publish import publish
from celeriac.brokers.redis_restore import Restorer
from celeriac.brokers.redis_search import Budget, Searcher
from celeriac.brokers.redis_server import parse_info
from celeriac.clock import Clock, SystemClock
from celeriac.model.broker import BrokerLook
from celeriac.model.sighting import Search, Wanted
from celeriac.model.worker import Worker
from celeriac.settings import BrokerSettings


class RedisBroker:
    """The adapter for redis://, rediss://, redis+socket:// and sentinel://.

    `look`, `ask` and `search` have a connection each and every subscription its own: each may have its own thread.
    """

    def __init__(self, settings: BrokerSettings, clock: Clock | None = None) -> None:
        self._address = parse(settings.url.get_secret_value(), settings.sentinel_master)
        self._timeout = settings.timeout
        self._clock = clock or SystemClock()
        self._keys = Keys(settings.global_keyprefix, self._address.db)
        self._look_link = self._link()
        self._looker = Looker(
            self._look_link, self._keys, settings.max_queues, settings.max_messages_per_look, self._clock
        )
        self._inspector = Inspector(self._link(), self._keys, self._clock)
        self._searcher = Searcher(
            self._link(),
            self._keys,
            self._looker.discovery,
            Budget(settings.search_bytes, settings.search_commands),
            settings.search_seconds,
        )
        self._acting_link = self._link()
        self._restorer = Restorer(self._acting_link, self._keys, settings.priority_steps)
        self._steps = settings.priority_steps
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

    def search(self, wanted: Wanted, at: float) -> Search:
        """Look for tasks in every list and among the unacknowledged. Raises as `look` does."""
        search = self._searcher.search(wanted, at)
        if search.absent:
            self._looker.discovery.renew()  # does an exchange lead to where they were published?
        return search

    def was_looked_at(self, look: BrokerLook) -> bool:
        """By the server's run, its database and the key prefix. Raises BrokerUnavailableError, BrokerError."""
        run_id = parse_info(self._acting_link.ask("INFO", "server")).get("run_id")
        return look.run_id in (None, run_id) and look.database in (None, self._keys.database)

    def restore(self, claim: Claim, fence: int) -> RestoreOutcome:
        """Put one held message back, once. Raises BrokerUnavailableError, BrokerError."""
        return self._restorer.restore(claim, fence)

    def publish(self, payload: Mapping[str, Any]) -> None:
        """Publish a message as it was. Raises BrokerUnavailableError, BrokerError when it leads to no queue."""
        publish(self._acting_link, self._keys, payload, self._steps)

    def enable_events(self) -> None:
        """Tell every worker to send task events."""
        self._inspector.enable_events()

    def close(self) -> None:
        """Drop every connection but those of subscriptions, which their readers close."""
        self._look_link.close()
        self._acting_link.close()
        self._inspector.close()
        self._searcher.close()

    def _link(self) -> Link:
        return Link(self._address, self._timeout)
