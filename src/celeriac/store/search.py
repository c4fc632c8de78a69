"""Pages of tasks, newest first, by keyset on (updated_at, id).

A page looks at `SCAN` rows of each index it reads and hands on where it stopped, so that no search runs long.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from celeriac.model.ledger import Term
from celeriac.store.conditions import IS_OPEN, Clause, filters, plan
from celeriac.store.page import Page, cursor, position
from celeriac.store.query import Condition, TaskQuery, TaskRow, fits
from celeriac.store.schema import tasks
from celeriac.store.taskrows import LISTED, to_listed

SCAN = 50_000
PAGE_LIMIT = 500
FARTHEST = 100_000
NEWEST = (tasks.c.updated_at.desc(), tasks.c.id.desc())
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_Place = tuple[float, str]


def search(connection: Connection, query: TaskQuery, after: str | None, limit: int) -> Page[TaskRow]:
    """The page of tasks that fit `query` beyond the cursor `after`. Raises QueryError for a foreign cursor."""
    named = _task_id(query)
    if named is not None:
        page = _page(connection, fits("id", named), None, 1)
        if page.items:
            return page
    return _page(connection, query, None if after is None else _place(after), max(1, min(limit, PAGE_LIMIT)))


def ahead(connection: Connection, queue: str, published_at: float) -> int:
    """How many tasks that were published earlier wait in `queue`, counted up to FARTHEST."""
    earlier = (
        select(tasks.c.published_at)
        .where(IS_OPEN, tasks.c.term == Term.WAITING.value, tasks.c.queue == queue, tasks.c.published_at < published_at)
        .limit(FARTHEST)
    )
    return connection.scalar(select(func.count()).select_from(earlier.subquery())) or 0


def taken(connection: Connection, queue: str, since: float) -> int:
    """How many tasks of `queue` a worker took since then, counted up to FARTHEST."""
    late = (
        select(tasks.c.id)
        .where(tasks.c.updated_at >= since, tasks.c.queue == queue, tasks.c.received_at >= since)
        .limit(FARTHEST)
    )
    return connection.scalar(select(func.count()).select_from(late.subquery())) or 0


def _page(connection: Connection, query: TaskQuery, after: _Place | None, limit: int) -> Page[TaskRow]:
    branches, exact = plan(query)
    horizon = None if exact else _horizon(connection, branches, query, after)
    found: dict[str, TaskRow] = {}
    for branch in branches:
        wanted = _within(select(*LISTED).where(*branch), query, after)
        if horizon is not None:
            wanted = wanted.where(_not_beyond(horizon))
        rows = connection.execute(wanted.where(*filters(query)).order_by(*NEWEST).limit(limit + 1))
        found |= {row.id: to_listed(row) for row in rows}
    ordered = sorted(found.values(), key=lambda row: (row.updated_at, row.id), reverse=True)
    items = tuple(ordered[:limit])
    if len(ordered) > limit:
        return Page(items, cursor(items[-1].updated_at, items[-1].id))
    return Page(items, None if horizon is None else cursor(*horizon))


def _task_id(query: TaskQuery) -> str | None:
    """The id that the whole query is, as somebody pastes it."""
    match query.conditions:
        case (Condition(field="text", values=(value,), negated=False),) if _UUID.fullmatch(value):
            return value
    return None


def _place(after: str) -> _Place:
    updated_at, task_id = position(after, float, str)
    return updated_at, task_id


def _horizon(
    connection: Connection, branches: tuple[tuple[Clause, ...], ...], query: TaskQuery, after: _Place | None
) -> _Place | None:
    """The last row this page may look at, None when fewer are left."""
    places = []
    for branch in branches:
        newest = _within(select(tasks.c.updated_at, tasks.c.id).where(*branch), query, after)
        row = connection.execute(newest.order_by(*NEWEST).offset(SCAN - 1).limit(1)).one_or_none()
        if row is not None:
            places.append((row.updated_at, row.id))
    return max(places, default=None)


def _within(statement: Select[Any], query: TaskQuery, after: _Place | None) -> Select[Any]:
    if query.since is not None:
        statement = statement.where(tasks.c.updated_at >= query.since)
    if query.until is not None:
        statement = statement.where(tasks.c.updated_at <= query.until)
    if after is not None:
        at, task_id = after
        statement = statement.where(tasks.c.updated_at <= at, or_(tasks.c.updated_at < at, tasks.c.id < task_id))
    return statement


def _not_beyond(place: _Place) -> ColumnElement[bool]:
    at, task_id = place
    return and_(tasks.c.updated_at >= at, or_(tasks.c.updated_at > at, tasks.c.id >= task_id))
