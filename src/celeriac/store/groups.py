"""What the result backend is asked about: tasks that may have ended unheard, and groups with their members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from celeriac.model.ledger import Term
from celeriac.store.rows import find
from celeriac.store.schema import OPEN_TERMS, tasks
from celeriac.store.taskrows import FOLDED, to_task
from celeriac.store.tasks import LOSS_WINDOW

QUIET = 2.0
"""Seconds without a word after which a task may have ended unheard."""
WAITING = 500
MOST_MEMBERS = 2_000
_TAKEN = tuple(
    term.value for term in (Term.SCHEDULED, Term.RESERVED, Term.RUNNING, Term.RETRYING, Term.HELD, Term.UNKNOWN)
)


@dataclass(frozen=True, slots=True)
class Member:
    """One task of a group, as the ledger has it. `because` says why it is held or unknown, or how it ended; `since` is
    Unix seconds of the last that was heard of it, `published_at` of its publish. `chord` and `chord_name` are the task
    that follows the group."""

    id: str
    group_id: str
    name: str | None
    term: str | None
    because: str | None
    worker: str | None
    since: float
    published_at: float | None
    chord: str | None
    chord_name: str | None


def unended(connection: Connection, at: float, limit: int) -> tuple[str, ...]:
    """Ids of tasks that somebody took and whose end was not heard by `at`, of those lost of late, and of some that
    wait longest: they may have been called off."""
    quiet = tasks.c.updated_at < at - QUIET
    some = select(tasks.c.id).where(text(OPEN_TERMS))
    queries = (
        some.where(tasks.c.term.in_(_TAKEN), quiet).limit(limit),
        some.where(tasks.c.term == Term.LOST.value, tasks.c.updated_at >= at - LOSS_WINDOW).limit(limit),
        some.where(tasks.c.term == Term.WAITING.value, quiet).limit(WAITING),
    )
    return tuple(task_id for query in queries for task_id in connection.scalars(query))


def open_groups(connection: Connection, limit: int) -> tuple[str, ...]:
    """Groups with a member that has not ended, or was lost."""
    group = tasks.c.group_id
    found = select(group).where(text(OPEN_TERMS), group.is_not(None)).distinct().limit(limit)
    return tuple(connection.scalars(found))


def members(connection: Connection, groups: Sequence[str]) -> tuple[Member, ...]:
    """The tasks on record of these groups, at most 2,000 of each 500 groups."""
    query = select(*FOLDED, tasks.c.because, tasks.c.reason, tasks.c.worker, tasks.c.updated_at)
    found = []
    for row in find(connection, query.limit(MOST_MEMBERS), tasks.c.group_id, list(groups)):
        task = to_task(row)
        found.append(
            Member(
                id=task.id,
                group_id=task.group_id or "",
                name=task.name,
                term=row.term,
                because=row.because or row.reason,
                worker=row.worker,
                since=row.updated_at,
                published_at=task.published_at,
                chord=task.chord,
                chord_name=task.chord_name,
            )
        )
    return tuple(found)
