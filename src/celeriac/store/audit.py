"""The audit: what was done to the user's system, by whom, and what came of it. Appended to, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from celeriac.store.page import Page, cursor, position
from celeriac.store.schema import audit

PAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One act at Unix seconds `at`: `act` ("restore", "republish") upon `subject` (a task id), asked for `by`."""

    at: float
    by: str
    act: str
    subject: str
    outcome: str


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write down what was done."""
    if entries:
        connection.execute(
            insert(audit),
            [
                {"at": one.at, "by": one.by, "act": one.act, "subject": one.subject, "outcome": one.outcome}
                for one in entries
            ],
        )


def page(connection: Connection, subject: str | None, after: str | None, limit: int) -> Page[Entry]:
    """What was done, to `subject` if one is given; the newest first."""
    limit = max(1, min(limit, PAGE_LIMIT))
    wanted = select(audit)
    if subject is not None:
        wanted = wanted.where(audit.c.subject == subject)
    if after is not None:
        wanted = wanted.where(audit.c.seq < position(after, int)[0])
    found = connection.execute(wanted.order_by(audit.c.seq.desc()).limit(limit + 1)).all()
    items = tuple(Entry(row.at, row.by, row.act, row.subject, row.outcome) for row in found[:limit])
    return Page(items, cursor(found[limit - 1].seq) if len(found) > limit else None)
