"""One AMQP connection to RabbitMQ for one thread, opened at its first use; every wait on it has an end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from amqp.exceptions import NotFound
from kombu import Connection
from kombu.transport import pyamqp

from celeriac.brokers.rabbit_errors import FAULTS, refused, translate
from celeriac.brokers.rabbit_url import connection

HEARTBEAT = 30
"""Seconds of silence from us, twice over, after which the server drops a connection of ours and the queues on it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is. `label` is the URL without user, password and options."""

    place: str
    vhost: str
    label: str


@dataclass(frozen=True, slots=True)
class Depth:
    """What a queue says of itself at once: messages ready, and consumers."""

    ready: int
    consumers: int


class _Wire(pyamqp.Connection):
    """Closes its socket when the server refuses us; py-amqp leaves it open (amqp/connection.py, connect)."""

    def connect(self, callback: Any = None) -> Any:
        try:
            return super().connect(callback)
        except FAULTS:
            self.collect()
            raise


class Line:
    """A connection with one channel. `timeout` in seconds bounds connecting and every answer.

    It speaks to kombu's transport itself: kombu's Connection would retry for minutes (kombu/connection.py,
    default_channel). A reconnect that nobody sees would hide a hole in the events, so there is none: what fails drops
    the connection, and the next use opens it. `blocked` while the server takes no messages from it.
    """

    def __init__(self, url: str, timeout: float, *, confirms: bool = False) -> None:
        self.timeout = timeout
        self.blocked = False
        self._kombu = connection(url, connect_timeout=timeout, heartbeat=HEARTBEAT)
        self._kombu.transport_options = {
            **(self._kombu.transport_options or {}),
            "confirm_publish": confirms,
            "on_blocked": self._on_blocked,
            "on_unblocked": self._on_unblocked,
        }
        self.address = _address(self._kombu)
        self._wire: Any = None
        self._channel: Any = None

    @property
    def connected(self) -> bool:
        """True while a connection is open."""
        return self._wire is not None

    @property
    def server(self) -> dict[str, Any]:
        """What the server said of itself when the connection was opened: product, version."""
        return dict(self._wire.server_properties) if self._wire is not None else {}

    @property
    def peer(self) -> str | None:
        """The `address:port` at the other end."""
        if self._wire is None:
            return None
        host, port = self._wire.sock.getpeername()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def channel(self) -> Any:
        """The channel, on a connection opened if need be; call it inside `door`."""
        if self._wire is None:
            transport: Any = self._kombu.transport
            transport.Connection = _Wire
            self._wire = transport.establish_connection()
            self._wire.sock.settimeout(self.timeout)
        if self._channel is None or not self._channel.is_open:
            self._channel = self._kombu.transport.create_channel(self._wire)
        return self._channel

    def depth(self, queue: str) -> Depth | None:
        """How deep `queue` is now, by a passive declaration, which needs no permission; None when there is none."""
        try:
            told = self.channel().queue_declare(queue=queue, passive=True)
        except NotFound as error:
            if "no queue" not in str(error.reply_text):
                raise  # it exists, on a node that is down
            return None
        return Depth(told.message_count, told.consumer_count)

    def ping(self) -> float:
        """Seconds until the server answered a question about an exchange that every virtual host has."""
        channel, began = self.channel(), monotonic()
        channel.exchange_declare(exchange="amq.direct", type="direct", passive=True)
        return monotonic() - began

    def drain(self, within: float) -> bool:
        """Let the server speak for up to `within` seconds; false when it had nothing to say."""
        try:
            self._wire.drain_events(timeout=max(within, 0.001))
        except TimeoutError:
            return False
        return True

    @contextmanager
    def door(self) -> Iterator[None]:
        """Raises BrokerUnavailableError with its cause, or BrokerError, for what fails inside; the connection is then
        dropped."""
        try:
            yield
        except FAULTS as error:
            failure = refused(self.address.place) if self.blocked else translate(error, self.address.place)
            self._drop()
            raise failure from error

    def close(self) -> None:
        """Say goodbye and drop the connection; one that the server blocks hears none."""
        if self._wire is not None and not self.blocked:
            with suppress(*FAULTS):
                self._wire.close()
        self._drop()

    def _drop(self) -> None:
        """Without a word: the other end may not listen."""
        if self._wire is not None:
            with suppress(*FAULTS):
                self._wire.collect()
        self._wire = self._channel = None
        self.blocked = False

    def _on_blocked(self, reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False


def _address(found: Connection) -> Address:
    secure = bool(found.ssl)
    host = found.hostname or "127.0.0.1"
    place = f"[{host}]:{found.port}" if ":" in host else f"{host}:{found.port}"
    vhost = found.virtual_host or "/"
    return Address(place, vhost, f"{'amqps' if secure else 'amqp'}://{place}/{vhost}")
