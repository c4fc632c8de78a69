"""An act that was carried out: its events, its audit and its request's outcome, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from celeriac.model.event import Event
from celeriac.store import audit, events, requests, tasks
from celeriac.store.audit import Entry
from celeriac.store.revisions import bump


def done(
    connection: Connection, request_id: str, outcome: str, entries: Sequence[Entry], told: Sequence[Event], now: float
) -> None:
    """Settle the request with what it came to. Raises NotFoundError, and writes nothing, when it was settled."""
    requests.settle(connection, request_id, outcome, now)
    audit.append(connection, entries)
    if tasks.fold(connection, events.append(connection, told)):
        bump(connection, "tasks")
    bump(connection, "incidents")
