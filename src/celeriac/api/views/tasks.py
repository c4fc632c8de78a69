"""Tasks: a page of a search, and how many stand in each term."""

from __future__ import annotations

from celeriac.api.search import parse
from celeriac.api.views.freshness import fresh
from celeriac.api.views.shape import Json, listing, when
from celeriac.model.ledger import Term
from celeriac.store import Store, TaskRow

TERMS = tuple(term.value for term in Term)
"""In the order of a task's life."""


def tasks(store: Store, now: float, *, query: str = "", after: str | None = None, limit: int = 50) -> Json:
    """Tasks that `query` (see `celeriac.api.search`) finds, the newest change first. Raises QueryError."""
    judged, gaps = fresh(store, now)
    page = store.tasks(parse(query, judged.as_of or now), after=after, limit=limit)
    total = store.balance()[0]
    counts = {term.value: tasks for term, tasks in total.terms.items() if tasks}
    return listing(
        (task_row(row) for row in page.items), judged, gaps, after=page.next, extra={"counts": counts, "query": query}
    )


def task_row(row: TaskRow) -> Json:
    """One line of the list. `state` is where its events left it, `verdict` the term that the ledger has it in."""
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "verdict": row.term,
        "because": row.because,
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
        "error": row.error,
        "key": row.key,
        "duplicated": row.doubled,
    }
