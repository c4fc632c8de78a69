"""Where a broker is, in words that show no secret."""

from __future__ import annotations

from kombu import Connection


def place(connection: Connection) -> str:
    """host:port, or a socket's path."""
    host = connection.hostname or "the broker"
    if "://" in host:
        return host.partition("://")[2].partition("?")[0].rpartition("@")[2]
    return f"{host}:{connection.port}" if connection.port else host
