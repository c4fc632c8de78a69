"""What may follow in the search box, from the names, queues and workers that are known."""

from __future__ import annotations

from celeriac.api.completion import completions as complete
from celeriac.api.views.shape import Json
from celeriac.store import Store

WINDOW = 900.0
"""Seconds back in which a queue was seen in the broker."""


def completions(store: Store, _now: float, *, query: str = "") -> Json:
    """Texts that begin as `query` does, the most likely first."""
    names = [one.name for one in store.balance()[1:] if one.name]
    queues = {queue.name for queue in store.queues(store.watermark() - WINDOW)} | store.standing().keys()
    workers = {worker.node for worker in store.workers()}
    known = {"name": names, "queue": sorted(queues), "worker": sorted(workers)}
    return {"items": list(complete(query, known))}
