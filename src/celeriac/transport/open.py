"""The two ends of the transport, for whatever broker a connection leads to."""

from __future__ import annotations

from kombu import Connection

from celeriac.transport.base import Inlet, Outlet
from celeriac.transport.cap import Limits


def open_outlet(connection: Connection, *, limits: Limits | None = None) -> Outlet:
    """The sending end; connects at the first `send`. `connection` is read, never used or changed."""
    if _is_redis(connection):
        from celeriac.transport.redis_outlet import RedisOutlet

        return RedisOutlet(connection, limits)
    from celeriac.transport.queue_outlet import QueueOutlet

    return QueueOutlet(connection, limits)


def open_inlet(connection: Connection, *, reader: str, limits: Limits | None = None) -> Inlet:
    """The receiving end; connects at the first `receive`. `reader` names it: the same over restarts, no two alike."""
    if _is_redis(connection):
        from celeriac.transport.redis_inlet import RedisInlet

        return RedisInlet(connection, reader, limits)
    from celeriac.transport.queue_inlet import QueueInlet

    return QueueInlet(connection, limits)


def _is_redis(connection: Connection) -> bool:
    """redis, rediss, redis+socket and sentinel, and what derives from them: kombu's Transport.driver_type says so."""
    return bool(connection.get_transport_cls().driver_type == "redis")
