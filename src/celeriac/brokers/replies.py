"""What workers answer to remote control (celery/worker/control.py), as Workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from celeriac.model.worker import Claim, Worker

COMMANDS = ("stats", "active_queues", "active", "reserved", "scheduled")
DEFAULT_VISIBILITY_TIMEOUT = 3600.0
"""kombu's own on Redis, where the transport options set none (kombu/transport/redis.py)."""
_POOL_ALIASES = {"thread": "threads"}


def question(
    method: str, ticket: str | None = None, *, exchange: str = "", mailbox: str | None = None
) -> dict[str, Any]:
    """A message of remote control to every worker (kombu/pidbox.py, _broadcast); with a ticket they answer to
    `mailbox` behind `exchange`."""
    body: dict[str, Any] = {"method": method, "arguments": {}, "destination": None, "pattern": None, "matcher": None}
    if ticket is None:
        return body
    return body | {"ticket": ticket, "reply_to": {"exchange": exchange, "routing_key": mailbox}}


class _Headers(msgspec.Struct):
    ticket: str = ""


class _Envelope(msgspec.Struct):
    headers: _Headers


class _Pool(msgspec.Struct):
    implementation: str = ""
    processes: list[int] = []
    concurrency: int | None = msgspec.field(default=None, name="max-concurrency")


class _Options(msgspec.Struct):
    visibility_timeout: float = DEFAULT_VISIBILITY_TIMEOUT


class _Broker(msgspec.Struct):
    transport: str = ""
    transport_options: _Options = msgspec.field(default_factory=_Options)


class _Stats(msgspec.Struct):
    pid: int
    pool: _Pool = msgspec.field(default_factory=_Pool)
    prefetch_count: int | None = None
    broker: _Broker = msgspec.field(default_factory=_Broker)


class _Queue(msgspec.Struct):
    name: str


class _Request(msgspec.Struct):
    id: str
    name: str | None = None
    time_start: float | None = None
    worker_pid: int | None = None


class _Scheduled(msgspec.Struct):
    request: _Request


_SHAPES: Mapping[str, Any] = {
    "stats": dict[str, _Stats],
    "active_queues": dict[str, list[_Queue]],
    "active": dict[str, list[_Request]],
    "reserved": dict[str, list[_Request]],
    "scheduled": dict[str, list[_Scheduled]],
}
_DECODERS = {command: msgspec.json.Decoder(shape) for command, shape in _SHAPES.items()}


class Replies:
    """The answers of one round of questions, by node and command."""

    def __init__(self, round_id: str) -> None:
        self.round_id = round_id
        self._stats: dict[str, dict[int, _Stats]] = {}
        self._answers: dict[tuple[str, str], Any] = {}

    def add(self, body: bytes, envelope: bytes) -> None:
        """Take one reply out of kombu's envelope. Raises ValueError when it is none that is known."""
        self.take(body, msgspec.json.decode(envelope, type=_Envelope).headers.ticket)

    def take(self, body: bytes, ticket: str) -> None:
        """Take one reply; one of another round is left aside. Raises ValueError when it is none that is known."""
        round_id, _, command = ticket.partition("/")
        if round_id != self.round_id or command not in _DECODERS:
            return
        for node, answer in _DECODERS[command].decode(body).items():
            if command == "stats":
                self._stats.setdefault(node, {})[answer.pid] = answer
            else:
                self._answers[node, command] = answer

    @property
    def whole(self) -> bool:
        """True when each node that said anything has answered every question."""
        nodes = {node for node, _ in self._answers} | self._stats.keys()
        return len(self._answers) == len(nodes) * (len(COMMANDS) - 1) and len(self._stats) == len(nodes)

    def workers(self, at: float) -> tuple[Worker, ...]:
        """A Worker for each process whose `stats` came. Two under one node name cannot be told apart in the other
        answers, which are then unknown."""
        return tuple(
            self._worker(node, stats, at, alone=len(all_stats) == 1)
            for node, all_stats in sorted(self._stats.items())
            for stats in all_stats.values()
        )

    def _worker(self, node: str, stats: _Stats, at: float, *, alone: bool) -> Worker:
        queues = self._answers.get((node, "active_queues")) if alone else None
        return Worker(
            node=node,
            pid=stats.pid,
            first_seen=at,
            heartbeat_seen=0.0,
            heartbeat_at=0.0,
            asked_at=at,
            queues=None if queues is None else tuple(queue.name for queue in queues),
            claims=self._claims(node) if alone else None,
            pool=_pool_name(stats.pool.implementation),
            children=tuple(pid for pid in stats.pool.processes if pid != stats.pid),
            concurrency=stats.pool.concurrency,
            prefetch=stats.prefetch_count,
            visibility_timeout=_visibility_timeout(stats.broker),
        )

    def _claims(self, node: str) -> tuple[Claim, ...] | None:
        """Every task the node said it holds; None unless all three lists came."""
        lists = {state: self._answers.get((node, state)) for state in ("active", "reserved", "scheduled")}
        if None in lists.values():
            return None
        asked = {**lists, "scheduled": [entry.request for entry in lists["scheduled"] or ()]}
        return tuple(
            Claim(one.id, one.name or "", state, one.time_start, one.worker_pid)
            for state, requests in asked.items()
            for one in requests or ()
        )


def _visibility_timeout(broker: _Broker) -> float | None:
    """None on a broker that gives back by itself what the dead held."""
    return None if "amqp" in broker.transport else broker.transport_options.visibility_timeout


def _pool_name(implementation: str) -> str | None:
    """`celery.concurrency.prefork:TaskPool` is prefork, as -P calls it."""
    module = implementation.partition(":")[0].rpartition(".")[2]
    return _POOL_ALIASES.get(module, module) or None
