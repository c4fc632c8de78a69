"""Where the primary is that sentinels watch over (redis.io, "Redis Sentinel client spec")."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from celeriac.brokers.address import Address
from celeriac.errors import BrokerError


def primary(address: Address, timeout: float) -> tuple[str, int]:
    """Host and port, from the first sentinel that knows.

    Raises what redis-py raised when none answers, BrokerError when those that do know no such name.
    """
    failure: Exception | None = None
    for host, port in address.sentinels:
        try:
            found = _ask(host, port, address.master, timeout / len(address.sentinels))
        except (redis.RedisError, OSError) as error:
            failure = failure or error
            continue
        if found is not None:
            return found
    if failure is not None:
        raise failure
    raise BrokerError(
        f"the sentinels of {address.place} know no primary named {address.master!r}",
        hint="Set broker.sentinel_master to a name that `redis-cli -p 26379 SENTINEL MASTERS` shows",
    )


def _ask(host: str, port: int, master: str, timeout: float) -> tuple[str, int] | None:
    kind: Any = Connection  # redis-py leaves it untyped
    connection = kind(
        host=host,
        port=port,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)
        answer = connection.read_response(disable_decoding=True)
    finally:
        connection.disconnect()
    return None if answer is None else (answer[0].decode(), int(answer[1]))
