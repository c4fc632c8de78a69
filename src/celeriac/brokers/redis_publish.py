"""Publishing a message again exactly as it was, in the envelope kombu writes (kombu/transport/virtual/base.py,
prepare_message; kombu/transport/redis.py, _put)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import redis

from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Link
from celeriac.brokers.redis_routes import BINDINGS, list_of, matching
from celeriac.errors import BrokerError

_PUSH = """
for at = 3, 2 + tonumber(ARGV[2]) do
  if redis.call('SISMEMBER', KEYS[1], ARGV[at]) == 0 then return 0 end
end
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
redis.call('SET', KEYS[2], '1', 'EX', 86400)
for at = 3, #KEYS do redis.call('LPUSH', KEYS[at], ARGV[1]) end
return 1
"""
"""KEYS: the bindings, the receipt of this delivery tag, the lists. ARGV: the message, how many bindings, those. A
repeated call, after a lost reply, pushes nothing twice."""


def publish(link: Link, keys: Keys, payload: Mapping[str, Any], steps: Sequence[int]) -> None:
    """Push `payload` to every queue that its exchange leads to; a delivery tag among its properties is kept, so that
    the same publish twice is one. Raises BrokerUnavailableError, BrokerError."""
    exchange, routing_key = str(payload.get("exchange") or ""), str(payload.get("routing_key") or "")
    bindings = keys.key(f"{BINDINGS}{exchange}")
    found = matching(link.ask("SMEMBERS", bindings), routing_key) if exchange else {}
    queues = sorted(set(found.values())) if exchange else [routing_key] if routing_key else []
    if not queues:
        raise _unroutable(exchange, routing_key)
    tag = str((payload.get("properties") or {}).get("delivery_tag") or uuid4())
    message = _envelope(payload, exchange, routing_key, tag)
    lists = [list_of(keys, queue, message, steps) for queue in queues]
    places = (bindings, keys.key(f"celeriac:rescue:sent:{tag}"), *lists)
    body = json.dumps(message).encode()
    reply = link.send([("EVAL", _PUSH, len(places), *places, body, len(found), *found)])[0]
    if isinstance(reply, redis.ResponseError):
        raise BrokerError(f"the broker refuses the message: {reply}", hint="Allow its user EVAL, SET and LPUSH")
    if not reply:
        raise _unroutable(exchange, routing_key)


def _envelope(payload: Mapping[str, Any], exchange: str, routing_key: str, tag: str) -> dict[str, Any]:
    """Same id, same body (in base64, as kombu sends it), and the tag of this delivery."""
    properties = dict(payload.get("properties") or {})
    headers = dict(payload.get("headers") or {})
    properties |= {
        "body_encoding": "base64",
        "delivery_tag": tag,
        "delivery_info": {"exchange": exchange, "routing_key": routing_key},
        "delivery_mode": properties.get("delivery_mode") or 2,
        "priority": properties.get("priority") or 0,
    }
    if headers.get("id"):
        properties.setdefault("correlation_id", headers["id"])
    return {
        "body": payload["body"],
        "content-encoding": payload.get("content_encoding"),
        "content-type": payload.get("content_type"),
        "headers": headers,
        "properties": properties,
    }


def _unroutable(exchange: str, routing_key: str) -> BrokerError:
    return BrokerError(
        f"a message by exchange {exchange!r} and routing key {routing_key!r} leads to no queue",
        hint="Start a worker that consumes its queue, so that it is bound",
    )
