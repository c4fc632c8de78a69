"""Our own connection to the user's Redis or Valkey, made from the app's own parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from kombu import Connection
from kombu.transport import virtual
from redis.backoff import NoBackoff
from redis.retry import Retry

from celeriac.errors import TransportUnavailableError
from celeriac.transport.place import place
from celeriac.transport.redis_errors import translate

CLIENT_NAME = "celeriac"
"""What CLIENT LIST calls our connections, so that they are not taken for workers."""
KEY = "celeriac:record"
Command = tuple[str | bytes | int, ...]


class RedisLink:
    """For one thread; opened at the first use, and again after a failure. `patience` in seconds bounds each wait.

    kombu knows how to reach the server: TLS, sentinels, sockets, credentials. Its channel is built without its own
    constructor, which would ping and register itself with a poller (kombu/transport/redis.py, Channel.__init__); what
    is taken is the pool that its `pool` property makes from the parameters. Ours stand among them before there is a
    pool: one made for RESP3 keeps what RESP2 has no parser for (redis/connection.py, ConnectionPool).
    """

    def __init__(self, connection: Connection, patience: float) -> None:
        options = dict(connection.transport_options or {})
        self.key = f"{options.get('global_keyprefix', '')}{KEY}"
        self._patience = patience
        self._kombu = connection.clone(transport_options={**options, **_bounds(options, patience)})
        self._client: redis.Redis | None = None

    @property
    def place(self) -> str:
        """The server as a person knows it."""
        return place(self._kombu)

    def ask(self, *command: str | bytes | int) -> Any:
        """One command, its plain reply. Raises TransportUnavailableError."""
        with self._door():
            return self._open().execute_command(*command)

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands sent at once. Raises TransportUnavailableError for the first that is refused."""
        with self._door():
            pipeline = self._open().pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            return list(pipeline.execute())

    def close(self) -> None:
        """Drop the connections; the next use opens them again."""
        client, self._client = self._client, None
        if client is None:
            return
        pool = client.connection_pool
        pool.disconnect()
        for sentinel in getattr(getattr(pool, "sentinel_manager", None), "sentinels", ()):
            sentinel.close()

    def _open(self) -> Any:
        """redis-py leaves its commands untyped, hence Any."""
        if self._client is None:
            transport: Any = self._kombu.transport
            channel = transport.Channel.__new__(transport.Channel)
            virtual.Channel.__init__(channel, transport)
            theirs = channel._connparams
            channel._connparams = lambda asynchronous=False: {**theirs(asynchronous), **_manners(self._patience)}
            self._client = redis.Redis(connection_pool=channel.pool)
            self._client.response_callbacks.clear()  # plain replies: the same in every version of redis-py
        return self._client

    @contextmanager
    def _door(self) -> Iterator[None]:
        """Errors as ours. A connection that failed is dropped, and the next broker of a failover list is tried."""
        try:
            yield
        except (redis.RedisError, OSError) as error:
            failure = translate(error, self.place)
            if not isinstance(error, redis.ResponseError) or isinstance(error, redis.ReadOnlyError):
                self.close()
                self._kombu.maybe_switch_next()
            raise failure from error
        except ValueError as error:  # kombu, about parameters that cannot be used
            raise TransportUnavailableError(
                f"the broker's settings cannot be used: {error}", hint="Mend broker_url or broker_transport_options"
            ) from error


def _bounds(options: dict[str, Any], patience: float) -> dict[str, Any]:
    """The same for sentinels: redis-py asks them one after the other, each with three retries of its own."""
    manners = {"socket_timeout": patience / 2, "socket_connect_timeout": patience / 2, "retry": _once()}
    return {"sentinel_kwargs": {**(options.get("sentinel_kwargs") or {}), **manners}}


def _manners(patience: float) -> dict[str, Any]:
    """RESP2, and no hidden retries: what is sent twice is sent by us."""
    return {
        "socket_timeout": patience,
        "socket_connect_timeout": patience,
        "retry": _once(),
        "retry_on_timeout": False,
        "health_check_interval": 0,
        "client_name": CLIENT_NAME,
        "protocol": 2,
    }


def _once() -> Retry:
    return Retry(NoBackoff(), 0)
