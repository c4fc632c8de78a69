"""Where a broker is, in words that show no secret."""

from __future__ import annotations

from hashlib import sha256

from kombu import Connection


def place(connection: Connection) -> str:
    """host:port, or a socket's path."""
    host = connection.hostname or "the broker"
    if "://" in host:
        return host.partition("://")[2].partition("?")[0].rpartition("@")[2]
    return f"{host}:{connection.port}" if connection.port else host


def system(connection: Connection) -> str:
    """A short name for the record that goes by this connection: the same wherever the broker is reached under the same
    address, and no secret. Systems that share a host are told apart by it."""
    told = connection.info()
    options = connection.transport_options or {}
    host = place(connection) if "://" in told["hostname"] else told["hostname"].replace("localhost", "127.0.0.1")
    base = str(told["virtual_host"]).strip("/") or "0"
    parts = (host, told["port"], base, options.get("global_keyprefix"), options.get("master_name"))
    return sha256(repr(parts).encode()).hexdigest()[:12]
