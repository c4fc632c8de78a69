"""Messages set aside in a durable queue."""

from __future__ import annotations

from typing import Any

from kombu import Connection, Exchange, Message, Queue

from celeriac.transport.base import Delivery
from celeriac.transport.cap import Limits
from celeriac.transport.park import NAME
from celeriac.transport.queue_line import QueueLine


class QueuePark:
    """A Park in the queue `celeriac.parked`: persistent messages, confirmed where the broker confirms."""

    def __init__(self, connection: Connection, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._line = QueueLine(connection, self._limits)
        self._held: dict[str, Message] = {}

    def park(self, key: str, body: bytes) -> None:
        """See Park."""
        with self._line.door():
            channel = self._open()
            message = channel.prepare_message(
                body,
                content_type="application/json",
                content_encoding="binary",
                properties={"delivery_mode": 2, "message_id": key},
            )
            manners = {"mandatory": True, "timeout": self._limits.patience} if self._line.amqp else {}
            channel.basic_publish(message, exchange="", routing_key=NAME, **manners)

    def read(self, limit: int) -> tuple[Delivery, ...]:
        """See Park. What an earlier read gave and nobody acknowledged is given again."""
        with self._line.door():
            channel = self._open()
            while len(self._held) < limit and (message := channel.basic_get(NAME, no_ack=False)) is not None:
                self._held[str(message.delivery_tag)] = message
            return tuple(Delivery(tag, _bytes(message)) for tag, message in self._held.items())

    def acknowledge(self, tags: tuple[str, ...]) -> None:
        """See Park. A tag of an earlier connection is passed over: the broker has its message again."""
        with self._line.door():
            for tag in tags:
                if (message := self._held.pop(tag, None)) is not None:
                    self._line.channel.basic_ack(message.delivery_tag)

    def close(self) -> None:
        """See Park."""
        self._held.clear()
        self._line.close()

    def _open(self) -> Any:
        before = self._line.channel
        self._line.open()
        if self._line.channel is not before:
            self._held.clear()
            Queue(NAME, Exchange(""), routing_key=NAME, durable=True, channel=self._line.channel).declare()
        return self._line.channel


def _bytes(message: Message) -> bytes:
    body = message.body
    return body if isinstance(body, bytes) else str(body).encode()
