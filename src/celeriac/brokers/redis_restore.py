"""Putting a held message back, once: kombu's own restore (kombu/transport/redis.py, QoS.restore_by_tag), fenced."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import redis

from celeriac.brokers.base import Claim, RestoreOutcome
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Link
from celeriac.brokers.redis_routes import BINDINGS, list_of, matching
from celeriac.errors import BrokerError

FENCE = "celeriac:rescue:fence"
RECEIPT = "celeriac:rescue:done:"
RESCUED = "celeriac_rescued"
"""The header that says how often a message was rescued."""
REMEMBERED = 86_400
"""Seconds for which a fence, and what was put back, are known to the broker."""
_RESTORE = """
local fence = redis.call('GET', KEYS[3])
if fence and tonumber(fence) > tonumber(ARGV[1]) then return 'fenced' end
if redis.call('EXISTS', KEYS[4]) == 1 then return 'restored' end
local raw = redis.call('HGET', KEYS[1], ARGV[2])
if not raw then return 'gone' end
local since = redis.call('ZSCORE', KEYS[2], ARGV[2])
if not since or tonumber(since) ~= tonumber(ARGV[4]) then return 'taken-again' end
if raw ~= ARGV[3] then return 'changed' end
local routes = tonumber(ARGV[7])
for at = 1, routes do
  if redis.call('SISMEMBER', KEYS[5], ARGV[7 + at]) == 0 then return 'unroutable' end
end
redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[6])
redis.call('SET', KEYS[4], ARGV[1], 'EX', ARGV[6])
for at = 6, #KEYS do redis.call('RPUSH', KEYS[at], ARGV[5]) end
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
return 'restored'
"""
"""KEYS: unacked, its index, the fence, the receipt, the bindings, the lists. ARGV: the fence's number, the delivery
tag, what it held when it was read, its score, the message to push, seconds to remember, how many bindings, those.

One script, so that kombu's own sweep comes before or after it as a whole. The receipt makes a repeated call, after a
lost reply or a killed caller, answer as the first one did.
"""


@dataclass(frozen=True, slots=True)
class _Held:
    """A value of the `unacked` hash, read."""

    raw: bytes
    message: dict[str, Any]
    exchange: str
    routing_key: str

    @property
    def task_id(self) -> str | None:
        """The id the message carries, as `brokers/messages.py` reads it."""
        headers, properties = self.message.get("headers") or {}, self.message.get("properties") or {}
        return headers.get("id") or properties.get("correlation_id")


class Restorer:
    """Puts messages back over one link; `steps` are the priority steps of the apps (kombu's `priority_steps`)."""

    def __init__(self, link: Link, keys: Keys, steps: Sequence[int]) -> None:
        self._link = link
        self._keys = keys
        self._steps = tuple(steps)

    def restore(self, claim: Claim, fence: int) -> RestoreOutcome:
        """See `Broker.restore`. Raises BrokerUnavailableError, BrokerError."""
        raw = self._link.ask("HGET", self._keys.key("unacked"), claim.tag)
        held = None if raw is None else _read(raw)
        if raw is not None and (held is None or held.task_id != claim.task_id):
            return "changed"
        routes, queues = self._routes(held) if held is not None else ({}, [])
        if held is not None and not queues:
            return "unroutable"
        return self._run(claim, fence, held, routes, queues)

    def _routes(self, held: _Held) -> tuple[dict[bytes, str], list[str]]:
        if not held.exchange:
            return {}, [held.routing_key] if held.routing_key else []
        found = matching(self._link.ask("SMEMBERS", self._bindings(held)), held.routing_key)
        return found, sorted(set(found.values()))

    def _run(
        self, claim: Claim, fence: int, held: _Held | None, routes: Mapping[bytes, str], queues: Sequence[str]
    ) -> RestoreOutcome:
        keys = [self._keys.key(name) for name in ("unacked", "unacked_index", FENCE, _receipt(claim))]
        keys.append(self._bindings(held))
        message = b"" if held is None else _again(held.message)
        keys += [list_of(self._keys, queue, held.message, self._steps) for queue in queues] if held else []
        values = (fence, claim.tag, held.raw if held else b"", repr(claim.since), message, REMEMBERED, len(routes))
        return self._evaluate(keys, (*values, *routes))

    def _evaluate(self, keys: Sequence[bytes], values: Sequence[str | bytes | int]) -> RestoreOutcome:
        reply = self._link.send([("EVAL", _RESTORE, len(keys), *keys, *values)])[0]
        if isinstance(reply, redis.ResponseError):
            raise BrokerError(
                f"the broker refuses to put a message back: {reply}",
                hint="Allow its user EVAL, GET, SET, EXISTS, HGET, HDEL, ZSCORE, ZREM, SISMEMBER, SMEMBERS and RPUSH",
            )
        return _outcome(reply)

    def _bindings(self, held: _Held | None) -> bytes:
        return self._keys.key(f"{BINDINGS}{held.exchange if held else ''}")


def _receipt(claim: Claim) -> str:
    return f"{RECEIPT}{claim.tag}:{claim.since!r}"


def _outcome(reply: bytes) -> RestoreOutcome:
    outcome: RestoreOutcome
    for outcome in get_args(RestoreOutcome):
        if reply == outcome.encode():
            return outcome
    raise BrokerError(f"the broker answered {reply!r} to a restore")


def _read(raw: bytes) -> _Held | None:
    try:
        message, exchange, routing_key = json.loads(raw)
    except (ValueError, TypeError, RecursionError):
        return None
    return _Held(raw, message, exchange or "", routing_key or "") if isinstance(message, dict) else None


def _again(message: dict[str, Any]) -> bytes:
    """The message as kombu redelivers it, and how often it was rescued."""
    headers = dict(message.get("headers") or {})
    properties = dict(message.get("properties") or {})
    before = headers.get(RESCUED)
    headers |= {"redelivered": True, RESCUED: (before if isinstance(before, int) else 0) + 1}
    properties["delivery_info"] = dict(properties.get("delivery_info") or {}) | {"redelivered": True}
    return json.dumps(message | {"headers": headers, "properties": properties}).encode()
