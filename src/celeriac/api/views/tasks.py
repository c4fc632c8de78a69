"""Tasks: a page of a search, and how many stand in each state."""

from __future__ import annotations

from celeriac.api.search import parse
from celeriac.api.views.freshness import fresh
from celeriac.api.views.shape import Json, listing, when
from celeriac.model.attempt import AttemptState
from celeriac.store import Store, TaskRow

STATES = tuple(state.value for state in AttemptState)
"""In the order of a task's life."""


def tasks(store: Store, now: float, *, query: str = "", after: str | None = None, limit: int = 50) -> Json:
    """Tasks that `query` (see `celeriac.api.search`) finds, the newest change first. Raises QueryError."""
    wanted = parse(query)
    judged, gaps = fresh(store, now)
    page = store.tasks(wanted, after=after, limit=limit)
    return listing(
        (task_row(row) for row in page.items),
        judged,
        gaps,
        after=page.next,
        extra={"counts": store.task_counts(), "query": query},
    )


def task_row(row: TaskRow) -> Json:
    """One line of the list."""
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "queue": row.queue,
        "worker": row.worker,
        "pid": row.pid,
        "published_at": when(row.published_at),
        "received_at": when(row.received_at),
        "started_at": when(row.started_at),
        "ended_at": when(row.ended_at),
        "updated_at": when(row.updated_at),
        "runtime": row.runtime,
        "retries": row.retries,
        "reason": row.reason,
    }
