"""Whether RabbitMQ refuses publishers, heard on a connection of our own."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

from amqp import Message
from amqp.exceptions import AccessRefused

from celeriac.brokers.rabbit_line import Line

SOME = ("memory or disk",)
"""py-amqp leaves out which of the two the server names (amqp/connection.py, _on_blocked)."""
_NOWHERE = "celeriac.nowhere"
"""A routing key that no queue has: what is published there is confirmed and dropped."""


class Alarm:
    """RabbitMQ tells a connection of an alarm when it publishes (rabbit_reader.erl), so this one publishes an empty
    message to nowhere, and listens: a confirm says that publishing works, `connection.blocked` that it does not."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def check(self) -> tuple[str, ...] | None:
        """`SOME` while the broker refuses publishers, empty while it does not, None when it does not
        say, or this user may not publish. Raises BrokerUnavailableError."""
        if self._line.blocked:
            with self._line.door():
                self._line.drain(0.0)
            if self._line.blocked:
                return SOME
        return self._publish()

    def close(self) -> None:
        """Drop the connection."""
        self._line.close()

    def _publish(self) -> tuple[str, ...] | None:
        confirmed: list[int] = []
        with self._line.door():
            channel = self._line.channel()
            handlers = channel.events["basic_ack"]
            handlers.clear()
            handlers.add(lambda tag, _multiple: confirmed.append(tag))
            channel.confirm_select()
            channel.basic_publish(Message(b""), exchange="", routing_key=_NOWHERE)
            deadline = monotonic() + self._line.timeout
            with suppress(AccessRefused):
                while not confirmed and not self._line.blocked and monotonic() < deadline:
                    self._line.drain(deadline - monotonic())
        if self._line.blocked:
            return SOME
        return () if confirmed else None
