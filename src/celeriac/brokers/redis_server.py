"""What the server says of itself: INFO, and two CONFIG values: one that INFO leaves out, one it misstates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from celeriac.brokers.errors import cluster_node, translate
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Link
from celeriac.model.finding import BlindSpot
from celeriac.transport.redis_outlet import BEGUN

_ROLES = {"master": "master", "slave": "replica"}


@dataclass(frozen=True, slots=True)
class Server:
    """The server's part of a BrokerLook, under the same names."""

    kind: str
    version: str | None
    role: str | None
    latency: float
    used_memory: int | None
    max_memory: int | None
    eviction_policy: str | None
    evicted_keys: int | None
    persistence: str | None
    clients: int | None
    max_clients: int | None
    loading: bool
    run_id: str | None
    started_at: float | None
    flushes: int | None
    refused: int | None
    blind_spots: tuple[BlindSpot, ...]


def read_server(link: Link) -> Server:
    """One look. Raises BrokerError for a cluster node: Celery's transport cannot use one."""
    started = perf_counter()
    info, save, log, commands = link.send(
        [("INFO",), ("CONFIG", "GET", "save"), ("CONFIG", "GET", "appendonly"), ("INFO", "commandstats")]
    )
    latency = perf_counter() - started
    if not isinstance(info, bytes):
        raise translate(info, link.address)
    facts = parse_info(info)
    if facts.get("cluster_enabled") == "1":
        raise cluster_node(link.address)
    persistence = _persistence(facts, save, log)
    return Server(
        kind="valkey" if facts.get("server_name") == "valkey" else "redis",
        version=facts.get("valkey_version") or facts.get("redis_version"),
        role=_ROLES.get(facts.get("role", "")),
        latency=_ping(link) if facts.get("loading") != "1" else latency,
        used_memory=_number(facts, "used_memory"),
        max_memory=_number(facts, "maxmemory"),
        eviction_policy=facts.get("maxmemory_policy"),
        evicted_keys=_number(facts, "evicted_keys"),
        persistence=persistence,
        clients=_number(facts, "connected_clients"),
        max_clients=_number(facts, "maxclients"),
        loading=facts.get("loading") == "1",
        run_id=facts.get("run_id"),
        started_at=_started_at(facts),
        flushes=_flushes(commands),
        refused=_refused(facts),
        blind_spots=() if persistence else (_unseen_persistence(save),),
    )


def record_age(link: Link, keys: Keys) -> float | None:
    """Seconds since the record in this database began, by the server's own clock (transport/redis_outlet.py)."""
    begun, now = link.send([("GET", keys.key(BEGUN)), ("TIME",)])
    if not isinstance(begun, bytes) or not begun.isdigit() or not isinstance(now, list):
        return None
    return int(now[0]) + (int(now[1]) - int(begun)) / 1e6


def parse_info(text: bytes) -> Mapping[str, str]:
    """The `key:value` lines of INFO."""
    lines = (line.partition(":") for line in text.decode(errors="replace").splitlines() if not line.startswith("#"))
    return {key: value for key, separator, value in lines if separator}


def _ping(link: Link) -> float:
    started = perf_counter()
    link.ask("PING")
    return perf_counter() - started


def _number(facts: Mapping[str, str], key: str) -> int | None:
    value = facts.get(key, "")
    return int(value) if value.isdecimal() else None


def _started_at(facts: Mapping[str, str]) -> float | None:
    """By the server's own clock; to the second."""
    now, uptime = _number(facts, "server_time_usec"), _number(facts, "uptime_in_seconds")
    return None if now is None or uptime is None else now / 1e6 - uptime


def _flushes(commands: Any) -> int | None:
    """How often FLUSHDB or FLUSHALL was called."""
    if not isinstance(commands, bytes):
        return None
    counts = parse_info(commands)
    return sum(_calls(counts.get(f"cmdstat_{name}", "")) for name in ("flushdb", "flushall"))


def _calls(stat: str) -> int:
    """Of `calls=2,usec=31,…`."""
    count = stat.partition(",")[0].removeprefix("calls=")
    return int(count) if count.isdecimal() else 0


def _refused(facts: Mapping[str, str]) -> int | None:
    """Commands refused with OOM; None before Redis 6.2, which counts no errors."""
    if "total_error_replies" not in facts:
        return None
    count = facts.get("errorstat_OOM", "count=0").removeprefix("count=")
    return int(count) if count.isdecimal() else None


def _persistence(facts: Mapping[str, str], save: Any, log: Any) -> str | None:
    """none, rdb, aof or aof+rdb; None when CONFIG is refused and so RDB unknown. While a server loads its append-only
    file, INFO says that it has none (redis/src/aof.c, loadSingleAppendOnlyFile)."""
    if not isinstance(save, list) or len(save) != 2:
        return None
    aof = facts.get("aof_enabled") == "1" or (isinstance(log, list) and log[1:] == [b"yes"])
    kinds = [name for name, on in (("aof", aof), ("rdb", bool(save[1]))) if on]
    return "+".join(kinds) or "none"


def _unseen_persistence(answer: Any) -> BlindSpot:
    return BlindSpot(
        "broker persistence", f"CONFIG GET is refused: {answer}", "what a restart of the broker would lose"
    )
