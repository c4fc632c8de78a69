"""A Redis under test."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import redis

from conservation.broker import QUEUE
from lab.redis import RedisServer

VISIBILITY = 6
STEPS = ("", "\x06\x163", "\x06\x166", "\x06\x169")


class RedisBroker:
    """`with RedisBroker(durable=True) as broker:`"""

    faults: Sequence[str] = (
        "kill-child",
        "kill-main",
        "freeze-kill",
        "freeze-thaw",
        "client-kill",
        "blackhole",
        "restart",
        "flush",
        "full",
        "evict",
    )
    failures: tuple[type[Exception], ...] = (redis.RedisError,)
    pops = True
    confirms = True

    def __init__(self, *, durable: bool) -> None:
        self.durable = durable
        log = ("--appendonly", "yes", "--appendfsync", "always") if durable else ()
        self._server = RedisServer(*log)

    def __str__(self) -> str:
        return f"Redis {'with' if self.durable else 'without'} an append-only file"

    @property
    def port(self) -> int:
        """See Broker."""
        return self._server.port

    @property
    def conf(self) -> Mapping[str, Any]:
        """Timeouts of seconds, so that what is held is back before the end."""
        options = {
            "visibility_timeout": VISIBILITY,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_timeout": 3,
            "socket_connect_timeout": 3,
        }
        return {"broker_transport_options": options}

    @property
    def settings(self) -> str:
        """Nothing."""
        return ""

    def url(self, port: int | None = None) -> str:
        """See Broker."""
        return f"redis://127.0.0.1:{port or self.port}/0"

    def look(self) -> frozenset[str] | None:
        """In one transaction, so that nothing moves meanwhile."""
        with self._client.pipeline() as pipe:
            for step in STEPS:
                pipe.lrange(f"{QUEUE}{step}", 0, -1)
            pipe.hvals("unacked")
            *lists, unacked = pipe.execute()
        messages = [json.loads(raw) for raws in lists for raw in raws]
        return frozenset(one["headers"]["id"] for one in [*messages, *(json.loads(raw)[0] for raw in unacked)])

    def empty(self) -> bool:
        """See Broker."""
        return not self.stands()

    def stands(self) -> frozenset[str]:
        """See Broker."""
        return self.look() or frozenset()

    def cut(self) -> None:
        """CLIENT KILL, every connection but this one."""
        self._client.client_kill_filter(_type="normal", skipme=True)

    def restart(self) -> None:
        """See Broker."""
        self._server.kill()
        time.sleep(0.5)
        self._server.start()

    def flush(self) -> None:
        """FLUSHDB."""
        self._client.flushdb()

    def fill(self, seconds: float) -> None:
        """No room: what is read still goes out, what is written is refused."""
        self._client.config_set("maxmemory-policy", "noeviction")
        try:
            self._client.config_set("maxmemory", "1mb")
            time.sleep(seconds)
        finally:
            with suppress(redis.RedisError):
                self._client.config_set("maxmemory", "0")

    def evict(self, seconds: float) -> None:
        """No room, and the oldest keys make some: queues and all."""
        self._client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            self._client.config_set("maxmemory", "1mb")
            time.sleep(seconds)
        finally:
            with suppress(redis.RedisError):
                self._client.config_set("maxmemory", "0")

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._client = self._server.client()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__(None, None, None)
