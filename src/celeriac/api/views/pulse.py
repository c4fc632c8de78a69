"""The heartbeat of a page: small, asked for every two seconds."""

from __future__ import annotations

from celeriac.api.views.freshness import fresh, source_json
from celeriac.api.views.incidents import ACTIVE
from celeriac.api.views.shape import Json, when
from celeriac.store import Store

COUNTED = 100
"""Open incidents are counted up to here."""


def pulse(store: Store, now: float) -> Json:
    """Server time, freshness, a revision per section that grows when it changes, and the count of open incidents."""
    judged, _ = fresh(store, now)
    return {
        "now": when(now),
        "state": judged.state,
        "because": judged.because,
        "as_of": when(judged.as_of),
        "age": judged.age,
        "sources": [source_json(source, now) for source in store.sources()],
        "revisions": store.revisions(),
        "incidents": len(store.incidents(states=ACTIVE, limit=COUNTED).items),
    }
