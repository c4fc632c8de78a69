"""A virtual host of a shared RabbitMQ, and what Celery does to it."""

from __future__ import annotations

import uuid
from contextlib import closing
from typing import Any

import httpx2
from kombu import Connection
from pydantic import SecretStr

from celeriac.brokers import Broker
from celeriac.brokers.open import open_broker
from celeriac.settings import BrokerSettings
from lab.celery import Producer
from lab.rabbit import RabbitServer

USER, PASSWORD = "stage", "a-secret"


class VirtualHost:
    """`with VirtualHost(server) as host:` a fresh one, gone at the end; the server has the management API.

    Its user may look at it by the management API too.
    """

    def __init__(self, server: RabbitServer) -> None:
        self.name = f"lab-{uuid.uuid4().hex[:8]}"
        self.server = server

    @property
    def url(self) -> str:
        """The broker URL."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.server.port}/{self.name}"

    @property
    def management_url(self) -> str:
        """The management API's URL."""
        return self.server.management_url.replace("guest:guest", f"{USER}:{PASSWORD}")

    def settings(self, *, managed: bool = True, **more: Any) -> BrokerSettings:
        """For an adapter, with the management API or without."""
        api = SecretStr(self.management_url) if managed else None
        return BrokerSettings(url=SecretStr(self.url), management_url=api, **more)

    def api(self, method: str, path: str, body: object = None) -> Any:
        """What the management API answers to its administrator."""
        answer = httpx2.request(
            method, f"{self.server.management_url}/api/{path}", json=body, timeout=20, trust_env=False
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def __enter__(self) -> VirtualHost:
        self.api("PUT", f"users/{USER}", {"password": PASSWORD, "tags": "monitoring"})
        self.api("PUT", f"vhosts/{self.name}")
        self.api("PUT", f"permissions/{self.name}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"})
        return self

    def __exit__(self, *_: object) -> None:
        self.api("DELETE", f"vhosts/{self.name}")


class RabbitStage:
    """A `Stage` over a virtual host, with the management API or without."""

    shows_messages = False
    secret = PASSWORD

    def __init__(self, host: VirtualHost, *, managed: bool) -> None:
        self._host = host
        self._managed = managed
        self.running = True

    def open(self) -> Broker:
        """A new adapter for it."""
        return open_broker(self._host.settings(managed=self._managed))

    def publish(self, queue: str, priority: int = 0) -> str:
        """Publish a task; its id."""
        with Producer(self._host.url) as producer:
            return producer.send("noop", queue=queue, priority=priority)

    def emit(self, kind: str, task_id: str) -> None:
        """Send an event by Celery's own dispatcher."""
        with Producer(self._host.url) as producer, producer.app.events.default_dispatcher("w1@lab") as dispatcher:
            dispatcher.send(kind, uuid=task_id)

    def contents(self) -> object:
        """Every queue with its depth, every exchange, every binding."""
        name = self._host.name
        exchanges = sorted(one["name"] for one in self._host.api("GET", f"exchanges/{name}"))
        bindings = sorted(
            (one["source"], one["destination"], one["routing_key"]) for one in self._host.api("GET", f"bindings/{name}")
        )
        queues = [one["name"] for one in self._host.api("GET", f"queues/{name}")]
        return {queue: self._depth(queue) for queue in sorted(queues)}, exchanges, bindings

    def stop(self) -> None:
        """End the server."""
        self._host.server.kill()
        self.running = False

    def start(self) -> None:
        """Start it again at the same address."""
        self._host.server.start()
        self.running = True

    def _depth(self, queue: str) -> int:
        with closing(Connection(self._host.url)) as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
