"""One connection to Redis: pipelined commands in, plain replies out."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry

from celeriac.brokers.address import Address
from celeriac.brokers.errors import door
from celeriac.brokers.redis_sentinel import primary

CLIENT_NAME = "celeriac"
"""What CLIENT LIST calls our connections, so that they are not taken for workers."""

Command = tuple[str | bytes | int, ...]


class Link:
    """A connection for one thread, opened at the first use. `timeout` in seconds bounds every read and write.

    RESP2 on purpose: redis-py logs every push message under RESP3, which doubles the cost of a subscriber. No hidden
    retries: a reconnect that nobody sees would hide a hole in the events.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self._connection = _connection(address, timeout)

    @property
    def connected(self) -> bool:
        """True while a socket is open."""
        return bool(self._connection.is_connected)

    @property
    def peer(self) -> str | None:
        """The `address:port` at the other end of the open connection; None without one, or over a unix socket."""
        door_socket = self._connection._sock  # redis-py gives no other way to its socket
        if door_socket is None or door_socket.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        host, port = door_socket.getpeername()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def ask(self, *command: str | bytes | int) -> Any:
        """One command, one reply. Raises as `send` does, and BrokerError when the reply is an error."""
        reply = self.send([command])[0]
        with door(self.address):
            if isinstance(reply, Exception):
                raise reply
        return reply

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to `commands`, sent at once; an error reply stands in its place as a redis.ResponseError.

        A connection that was lost while idle is opened once more; so send only what may be done twice. Raises
        BrokerUnavailableError, BrokerError.
        """
        with door(self.address):
            try:
                return self._exchange(commands)
            except redis.AuthenticationError:
                raise
            except redis.ConnectionError:
                return self._exchange(commands)

    def open(self) -> None:
        """Connect now. Raises BrokerUnavailableError, BrokerError."""
        with door(self.address):
            self._connect()

    def write(self, *command: str | bytes | int) -> None:
        """Send without waiting for a reply."""
        with door(self.address):
            self._connection.send_command(*command, check_health=False)

    def receive(self, within: float) -> Any:
        """The next thing the server sends within `within` seconds, None when nothing comes."""
        with door(self.address):
            if not self._connection.can_read(timeout=max(0.0, within)):
                return None
            return self._connection.read_response(disable_decoding=True)

    def close(self) -> None:
        """Drop the connection; the next use opens it again."""
        self._connection.disconnect()

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connection
        try:
            self._connect()
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [self._reply() for _ in commands]
        except BaseException:
            connection.disconnect()  # replies still under way would answer the next question
            raise

    def _connect(self) -> None:
        """Sentinels are asked each time: the primary may be another one now."""
        if self.address.sentinels and not self.connected:
            self._connection.host, self._connection.port = primary(self.address, self.timeout)
        self._connection.connect()

    def _reply(self) -> Any:
        try:
            return self._connection.read_response(disable_decoding=True)
        except redis.ResponseError as error:
            return error


def _connection(address: Address, timeout: float) -> Any:
    """redis-py leaves the methods of its connections untyped, hence Any."""
    options: dict[str, Any] = {
        "db": address.db,
        "username": address.username,
        "password": address.password,
        "socket_timeout": timeout,
        "client_name": CLIENT_NAME,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
    kind: Any = UnixDomainSocketConnection
    if address.path is not None:
        return kind(path=address.path, **options)
    kind = Connection if address.tls is None else SSLConnection
    network = {"host": address.host, "port": address.port, "socket_connect_timeout": timeout}
    return kind(**options, **network, **(address.tls or {}))
