"""One screen for a terminal: is work being finished, what is wrong, how fresh is this."""

from __future__ import annotations

from celeriac.api.views.overview import overview
from celeriac.api.views.shape import Json
from celeriac.store import Store

_DROPPED = ("workers", "queues")
_QUEUE_KEPT = ("name", "state", "ready", "unacked", "oldest_age", "growth", "drained_in", "consumers")


def status(store: Store, now: float) -> Json:
    """The overview without what a terminal cannot show."""
    whole = overview(store, now)
    rows = [{key: row[key] for key in _QUEUE_KEPT} for row in whole["queues"]]
    return {key: value for key, value in whole.items() if key not in _DROPPED} | {"queues": rows}
