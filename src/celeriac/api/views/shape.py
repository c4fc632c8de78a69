"""The shapes every view shares: times, gaps, and a list with the freshness of its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.api.freshness import Freshness
from celeriac.clock import rfc3339
from celeriac.model.gap import Gap

Json = dict[str, Any]
GAP_WINDOW = 3600.0
"""Seconds back in which a list names the holes in what it is made of."""


def when(at: float | None) -> str | None:
    """A time that may be unknown, in public form."""
    return None if at is None else rfc3339(at)


def gap_json(gap: Gap) -> Json:
    """A hole in public form: `size` task starts (source "events") or events (source "record") of `worker` are missing,
    None when the size is not known."""
    return {
        "id": gap.id,
        "source": gap.source,
        "worker": gap.worker,
        "pid": gap.pid,
        "after": when(gap.after),
        "until": when(gap.until),
        "size": gap.size,
        "cause": gap.cause,
        "found_at": when(gap.found_at),
    }


def listing(
    items: Iterable[Json],
    freshness: Freshness,
    gaps: Iterable[Gap],
    *,
    after: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Json:
    """A list response. `after` is the cursor of the next page, None on the last."""
    return {
        "items": list(items),
        "next": after,
        "as_of": when(freshness.as_of),
        "stale": freshness.stale,
        "gaps": [gap_json(gap) for gap in gaps],
        **(extra or {}),
    }
