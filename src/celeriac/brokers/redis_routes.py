"""Where kombu would put a message: the bindings of its exchange, and the list of its priority."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from celeriac.brokers.redis_keys import SEPARATOR, Keys

BINDINGS = "_kombu.binding."
"""The set of an exchange's bindings, `routing key SEP pattern SEP queue` (kombu/transport/redis.py, _queue_bind)."""
_GREATEST = 9


def matching(members: Iterable[bytes], routing_key: str) -> dict[bytes, str]:
    """Those bindings that such a message follows, and the queue of each (kombu/transport/virtual/exchange.py): a topic
    exchange's have a pattern, a direct one's none."""
    found: dict[bytes, str] = {}
    for member in members:
        key, _, rest = member.decode(errors="replace").partition(SEPARATOR)
        pattern, _, queue = rest.rpartition(SEPARATOR)
        if queue and _follows(key, pattern, routing_key):
            found[member] = queue
    return found


def list_of(keys: Keys, queue: str, message: Mapping[str, Any], steps: Sequence[int]) -> bytes:
    """The list of `queue` that the message's priority leads to (kombu/transport/redis.py, _q_for_pri)."""
    wanted = bisect(steps, _priority(message)) - 1
    return keys.list(queue, steps[max(0, wanted)])


def _follows(key: str, pattern: str, routing_key: str) -> bool:
    if not pattern:
        return key == routing_key
    try:
        return re.match(pattern, routing_key) is not None
    except re.error:
        return False


def _priority(message: Mapping[str, Any]) -> int:
    """0 to 9, 0 without one (kombu/transport/virtual/base.py, _get_message_priority)."""
    try:
        return max(0, min(int(message["properties"]["priority"]), _GREATEST))
    except (TypeError, ValueError, KeyError):
        return 0
