"""Queues: how much waits, since when, how fast it grows, and who takes it."""

from __future__ import annotations

from celeriac.api.views.freshness import fresh
from celeriac.api.views.shape import Json, listing, when
from celeriac.model.queue import Queue, QueueSample
from celeriac.store import Store

WINDOW = 900.0
"""Seconds of looks a queue is drawn from."""
GROWTH_WINDOW = 15.0
"""Seconds over which growth is measured."""
POINTS = 120
"""Looks kept for drawing."""


def queues(store: Store, now: float) -> Json:
    """Every queue, those in trouble first, then the deepest."""
    judged, gaps = fresh(store, now)
    return listing(queue_rows(store, judged.as_of or now), judged, gaps)


def queue_rows(store: Store, at: float) -> list[Json]:
    """The rows of that list, as of `at`."""
    return sorted((queue_json(queue, at) for queue in store.queues(at - WINDOW)), key=_order)


def queue_json(queue: Queue, at: float) -> Json:
    """One queue as of `at`. `growth` is messages per second over the last minute."""
    latest, growth = queue.latest, queue.growth(GROWTH_WINDOW)
    return {
        "name": queue.name,
        "state": _state(queue),
        "ready": latest.ready,
        "unacked": latest.unacked,
        "oldest_age": queue.oldest_age(at),
        "oldest_id": latest.oldest_id,
        "oldest_name": latest.oldest_name,
        "growth": growth,
        "drained_in": latest.ready / -growth if growth is not None and growth < 0 else None,
        "consumers": None if queue.consumers is None else list(queue.consumers),
        "sampled_at": when(latest.at),
        "samples": [{"at": when(one.at), "ready": one.ready} for one in thin(queue.samples)],
    }


def thin(samples: tuple[QueueSample, ...]) -> tuple[QueueSample, ...]:
    """At most POINTS looks, evenly taken, the newest always among them."""
    step = max(1, -(-len(samples) // POINTS))
    return samples[::-1][::step][::-1]


def _state(queue: Queue) -> str:
    if queue.consumers is None:
        return "unknown"
    if queue.consumers:
        return "consumed"
    return "unconsumed" if queue.latest.ready else "empty"


def _order(row: Json) -> tuple[bool, int, str]:
    return row["state"] != "unconsumed", -row["ready"], row["name"]
