"""Tasks: a page of a search, and how many stand in each state."""

from __future__ import annotations

from celeriac.api.search import parse
from celeriac.api.truth import from_incidents
from celeriac.api.views.freshness import fresh
from celeriac.api.views.roles import roles
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
        (task_row(row, _misfortune(store, row)) for row in page.items),
        judged,
        gaps,
        after=page.next,
        extra={"counts": store.task_counts(), "query": query},
    )


def _misfortune(store: Store, row: TaskRow) -> str | None:
    """`lost` or `held`, as an incident says of a task that its events left open."""
    if AttemptState(row.state).ended:
        return None
    told = from_incidents(roles(store, row.id))
    return told.word if told else None


def task_row(row: TaskRow, verdict: str | None = None) -> Json:
    """One line of the list. `state` is where its events left it, `verdict` what became of it, where that is known to
    be something else."""
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "verdict": verdict,
        "queue": row.queue,
        "worker": row.worker,
        "pid": row.pid,
        "published_at": when(row.published_at),
        "received_at": when(row.received_at),
        "started_at": when(row.started_at),
        "ended_at": when(row.ended_at),
        "updated_at": when(row.updated_at),
        "runtime": row.runtime,
        "peak_rss": row.peak_rss,
        "retries": row.retries,
        "reason": row.reason,
    }
