"""A message held by a consumer, made by kombu itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from kombu import Connection, Exchange, Queue

from celeriac.brokers.base import Claim


class Holder:
    """A kombu connection that takes messages and acknowledges none; `timeout` is its visibility timeout."""

    def __init__(self, url: str, queue: Queue, timeout: float = 3600, **options: Any) -> None:
        options = {"visibility_timeout": timeout, **options}
        self.connection = Connection(url, transport_options=options)
        self.channel: Any = self.connection.channel()
        self.queue = queue(self.channel)
        self.queue.declare()
        self._client = redis.Redis.from_url(url)
        self._prefix = options.get("global_keyprefix", "")

    def publish(self, task_id: str, **options: Any) -> None:
        """Put a task's message into the queue."""
        with self.connection.Producer(self.channel) as producer:
            producer.publish(
                [[], {}, {}],
                exchange=self.queue.exchange,
                routing_key=self.queue.routing_key,
                headers={"id": task_id, "task": "lab.noop", "retries": 0},
                correlation_id=task_id,
                **options,
            )

    def take(self) -> Claim:
        """Hold the next message, as a consumer does, and say what a look would show of it."""
        message: Any = self.queue.get()
        assert message is not None, "the queue is empty"
        self.channel.qos.append(message, message.delivery_tag)
        since = self._client.zscore(f"{self._prefix}unacked_index", message.delivery_tag)
        assert since is not None
        return Claim(str(message.delivery_tag), str(message.headers["id"]), float(since))

    def sweep(self) -> bool:
        """kombu's own restore of what is past the visibility timeout; true when nothing is held any more."""
        self.channel.qos.restore_visible(interval=1)
        return self.held() == 0

    def waiting(self, step: int = 0) -> list[dict[str, Any]]:
        """The messages in the queue's list, the next to be taken first."""
        name = f"{self._prefix}{self.queue.name}" + (f"\x06\x16{step}" if step else "")
        return [json.loads(raw) for raw in reversed(self._client.lrange(name, 0, -1))]

    def held(self) -> int:
        """How many messages are in `unacked`."""
        return int(self._client.hlen(f"{self._prefix}unacked"))

    def close(self) -> None:
        """End without giving anything back, as a killed process does."""
        self.channel.qos._delivered.clear()
        self.connection.release()
        self._client.close()


@contextmanager
def holding(
    url: str, name: str = "celery", kind: str = "direct", routing_key: str = "", **options: Any
) -> Iterator[Holder]:
    """A holder of queue `name`, bound to an exchange of its own."""
    holder = Holder(url, Queue(name, Exchange(f"{name}-x", kind), routing_key=routing_key or name), **options)
    try:
        yield holder
    finally:
        holder.close()
