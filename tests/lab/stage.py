"""A live broker and what Celery does to it, for `celeriac.testing.broker_contract`."""

from __future__ import annotations

from pydantic import SecretStr

from celeriac.brokers import Broker
from celeriac.brokers.open import open_broker
from celeriac.settings import BrokerSettings
from lab.celery import Producer
from lab.redis import RedisServer


class RedisStage:
    """A `Stage` over a server of the lab, which needs a password."""

    shows_messages = True

    def __init__(self, server: RedisServer) -> None:
        assert server.password, "the contract wants a secret to look for"
        self.secret = server.password
        self._server = server

    def open(self) -> Broker:
        """A new adapter for it."""
        return open_broker(BrokerSettings(url=SecretStr(self._server.url)))

    def publish(self, queue: str, priority: int = 0) -> str:
        """Publish a task; its id."""
        with Producer(self._server.url) as producer:
            return producer.send("noop", queue=queue, priority=priority)

    def emit(self, kind: str, task_id: str) -> None:
        """Send an event by Celery's own dispatcher."""
        with Producer(self._server.url) as producer, producer.app.events.default_dispatcher("w1@lab") as dispatcher:
            dispatcher.send(kind, uuid=task_id)

    def contents(self) -> object:
        """Every key with its serialised value."""
        client = self._server.client()
        return {key: client.dump(key) for key in sorted(client.keys())}

    def stop(self) -> None:
        """End the server."""
        self._server.kill()

    def start(self) -> None:
        """Start it again at the same address."""
        self._server.start()
