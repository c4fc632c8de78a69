"""What a worker was delivered and has not acknowledged: which of it is to be kept, and how its owner is known."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from celeriac.clock import parse_rfc3339

LONGEST = 86_400.0
"""Seconds after its arrival, or after its ETA when that is later, for which a delivery is kept at most."""
TAKEN_WITHIN = 5.0
"""Seconds in which kombu hands on a message after it has written when it was delivered."""


@dataclass(slots=True)
class Holding:
    """One delivery. `low` and `high` are Unix seconds between which its score must be for it to be this worker's still:
    the tag is the same at each delivery, the score is not (kombu/transport/redis.py, QoS.append). `tried` is the score
    that is being written, and is still when nobody knows whether that reached the broker."""

    tag: str
    message: Any
    low: float
    high: float
    until: float
    tried: float | None = None
    given_up: bool = False

    def renewed(self, now: float) -> float:
        """The score to write: the one tried before, while that is open, so that what lies between is nobody's but
        another worker's. A clock that was set back moves no score back."""
        self.tried = self.tried or max(now, self.high)
        return self.tried

    def settle(self, *, ours: bool) -> None:
        """It was written, or the delivery is somebody else's."""
        self.low = self.high = self.tried or self.high
        self.tried, self.given_up = None, not ours


class Holdings:
    """The deliveries of one connection, since Unix time `at`."""

    def __init__(self, at: float) -> None:
        self._looked_at = at
        self._held: dict[str, Holding] = {}

    def look(self, delivered: Mapping[str, Any], done: Collection[str], now: float) -> None:
        """Take note of what is held at `now`: messages by tag, without those that are `done`."""
        since, self._looked_at = min(self._looked_at, now) - TAKEN_WITHIN, now
        held = ((tag, message) for tag, message in tuple(delivered.items()) if tag not in done)
        self._held = {tag: self._known(tag, message, since, now) for tag, message in held}

    def due(self, now: float, age: float) -> tuple[Holding, ...]:
        """Those whose score is, or may be, `age` seconds old."""
        return tuple(
            one for one in self._held.values() if not one.given_up and now - age >= one.low and now < one.until
        )

    def _known(self, tag: str, message: Any, since: float, now: float) -> Holding:
        known = self._held.get(tag)
        if known is not None and known.message is message:
            return known
        return Holding(tag, message, since, now, max(now, _due_at(message) or now) + LONGEST)


def orphans(requests: Iterable[Any], processes: Container[int]) -> frozenset[str]:
    """The tags of `requests` (celery/worker/request.py) that run in a process which is gone."""
    running = (one for one in requests if one.worker_pid)
    return frozenset(one.message.delivery_tag for one in running if one.worker_pid not in processes)


def _due_at(message: Any) -> float | None:
    """Unix seconds of its ETA (celery/app/amqp.py, as_task_v2), None without one that can be read."""
    try:
        return parse_rfc3339(str(message.headers["eta"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
