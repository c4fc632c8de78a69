"""RabbitMQ as Celery's broker, seen read-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.brokers.base import Claim, RestoreOutcome
from celeriac.brokers.rabbit_alarm import Alarm
from celeriac.brokers.rabbit_control import Inspector
from celeriac.brokers.rabbit_events import RabbitEvents
from celeriac.brokers.rabbit_line import Line
from celeriac.brokers.rabbit_look import Looker
from celeriac.brokers.rabbit_managed import Manager
from celeriac.brokers.rabbit_management import Management
from celeriac.brokers.rabbit_publish import publish
from celeriac.brokers.rabbit_search import Searcher
from celeriac.clock import Clock, SystemClock
from celeriac.errors import UnsupportedByBrokerError
from celeriac.model.broker import BrokerLook
from celeriac.model.sighting import Search, Wanted
from celeriac.model.worker import Worker
from celeriac.settings import BrokerSettings


class RabbitBroker:
    """The adapter for amqp://, amqps:// and pyamqp://, with the management API where `management_url` is given.

    `look`, `ask`, `search` and `publish` have connections of their own, so each may have a thread of its own.
    """

    def __init__(self, settings: BrokerSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        line = self._line()
        self.label = line.address.label
        self._vhost = line.address.vhost
        self._looker = Looker(line, Alarm(self._line()), self._manager(), settings.max_queues, self._clock)
        self._inspector = Inspector(self._line(), self._clock)
        self._searcher = Searcher(self._line(), self._manager())
        self._publisher = self._line(confirms=True)

    def watch_queues(self, names: Iterable[str]) -> None:
        """Look at these queues too: without the management API, nothing else names them."""
        self._looker.watch(names)

    def look(self, at: float) -> BrokerLook:
        """One bounded look. Raises BrokerUnavailableError with its cause, BrokerError."""
        return self._looker.look(at)

    def events(self) -> RabbitEvents:
        """A new subscription; connects on the first read."""
        return RabbitEvents(self._line(), self._clock)

    def ask(self, at: float) -> tuple[Worker, ...]:
        """What living workers answer. Raises as `look` does; leaves nothing behind."""
        return self._inspector.ask(at)

    def search(self, wanted: Wanted, at: float) -> Search:
        """Whether tasks can still be here. Raises as `look` does."""
        return self._searcher.search(wanted, at)

    def was_looked_at(self, look: BrokerLook) -> bool:
        """By its kind alone: RabbitMQ gives back by itself, so nothing is put back here that another life had."""
        return look.kind not in ("redis", "valkey")

    def restore(self, claim: Claim, fence: int) -> RestoreOutcome:
        """Raises UnsupportedByBrokerError: there is nothing to restore."""
        raise UnsupportedByBrokerError(
            "RabbitMQ gives back what a dead consumer held as soon as its connection is gone",
            hint="Nothing needs to be put back",
        )

    def publish(self, payload: Mapping[str, Any]) -> None:
        """Publish a message exactly as it was; a queue has it when this returns."""
        publish(self._publisher, payload)

    def enable_events(self) -> None:
        """Tell every worker to send task events."""
        self._inspector.enable_events()

    def close(self) -> None:
        """Drop every connection but those of subscriptions, which their readers close."""
        self._looker.close()
        self._searcher.close()
        self._publisher.close()

    def _line(self, *, confirms: bool = False) -> Line:
        return Line(self._settings.url.get_secret_value(), self._settings.timeout, confirms=confirms)

    def _manager(self) -> Manager | None:
        url = self._settings.management_url
        if url is None:
            return None
        return Manager(Management(url, self._vhost, self._settings.timeout), self._settings.max_queues)
