"""A count shared over RabbitMQ: one small durable queue for each key, whose messages are the notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Exchange, Queue

from celeriac.transport.cap import Limits
from celeriac.transport.queue_line import QueueLine
from celeriac.transport.tally import DAY, MOST

PREFIX = "celeriac.deaths."
_NOT_FOUND = 404


class QueueTally:
    """A Tally in the queues `celeriac.deaths.<key>`. Notes are confirmed as they are added. While somebody reads them,
    they are not there for another reader: two that read at once may both see too few."""

    def __init__(self, connection: Connection, patience: float) -> None:
        self._limits = Limits(patience=patience)
        self._line = QueueLine(connection, self._limits)

    def add(self, key: str, mark: str, note: bytes) -> tuple[bytes, ...]:
        """See Tally."""
        with self._line.door():
            self._line.open()
            queue = self._queue(key)
            queue.declare()
            known = self._taken(queue.name)
            if mark not in known:
                self._publish(queue.name, mark, note)
                known[mark] = note
            return tuple(known.values())

    def notes(self, key: str) -> tuple[bytes, ...]:
        """See Tally."""
        with self._line.door():
            self._line.open()
            name = self._queue(key).name
            return tuple(self._taken(name).values()) if self._is_there(name) else ()

    def close(self) -> None:
        """See Tally."""
        self._line.close()

    def _queue(self, key: str) -> Queue:
        name = PREFIX + key
        arguments = {"x-expires": int(DAY * 1000), "x-max-length": MOST} if self._line.amqp else None
        return Queue(
            name,
            Exchange(""),
            routing_key=name,
            durable=True,
            queue_arguments=arguments,
            channel=self._line.channel,
        )

    def _publish(self, name: str, mark: str, note: bytes) -> None:
        channel = self._line.channel
        properties = {"delivery_mode": 2, "message_id": mark}
        message = channel.prepare_message(
            note, content_type="application/json", content_encoding="binary", properties=properties
        )
        manners = {"mandatory": True, "timeout": self._limits.patience} if self._line.amqp else {}
        channel.basic_publish(message, exchange="", routing_key=name, **manners)

    def _taken(self, name: str) -> dict[str, bytes]:
        """What is in the queue, by mark; it goes back when its channel closes."""
        found: dict[str, bytes] = {}
        with self._channel() as channel:
            for _ in range(MOST):
                message = channel.basic_get(name, no_ack=False)
                if message is None:
                    break
                body = message.body
                found[str(message.properties.get("message_id"))] = body if isinstance(body, bytes) else body.encode()
        return found

    def _is_there(self, name: str) -> bool:
        """A queue that is not there closes the channel that asks (amqp/channel.py, queue_declare)."""
        with self._channel() as channel:
            try:
                channel.queue_declare(queue=name, passive=True)
            except self._line.channel_errors as error:
                if getattr(error, "reply_code", None) == _NOT_FOUND:
                    return False
                raise
        return True

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        """A channel of its own on our connection."""
        channel = self._line.another_channel()
        try:
            yield channel
        finally:
            if channel.connection is not None:
                channel.close()
