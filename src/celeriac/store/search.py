"""Pages of tasks, newest first, by keyset on (updated_at, id).

A filter that no index serves looks at `SCAN` rows a page and hands on where it stopped, so that no search runs long.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from celeriac.store.page import Page, cursor, position
from celeriac.store.query import TaskQuery, TaskRow
from celeriac.store.schema import tasks
from celeriac.store.taskrows import LISTED, to_listed

SCAN = 50_000
PAGE_LIMIT = 500
_NEWEST = (tasks.c.updated_at.desc(), tasks.c.id.desc())
_Place = tuple[float, str]


def search(connection: Connection, query: TaskQuery, after: str | None, limit: int) -> Page[TaskRow]:
    """The page of tasks that fit `query` beyond the cursor `after`. Raises StoreError for a foreign cursor."""
    limit = max(1, min(limit, PAGE_LIMIT))
    wanted = _within(select(*LISTED), query, None if after is None else _place(after))
    horizon = None if _indexed(query) else _horizon(connection, query, after)
    if horizon is not None:
        wanted = wanted.where(_not_beyond(horizon))
    found = connection.execute(wanted.where(*_filters(query)).order_by(*_NEWEST).limit(limit + 1)).all()
    items = tuple(to_listed(row) for row in found[:limit])
    if len(found) > limit:
        return Page(items, cursor(items[-1].updated_at, items[-1].id))
    return Page(items, None if horizon is None else cursor(*horizon))


def _place(after: str) -> _Place:
    updated_at, task_id = position(after, float, str)
    return updated_at, task_id


def _indexed(query: TaskQuery) -> bool:
    """True when (state, updated_at) or (name, state, updated_at) leads straight to the rows."""
    plain = query.text is None and query.queue is None and query.worker is None
    return plain and (query.name is None or (query.state is not None and not query.name.endswith("*")))


def _horizon(connection: Connection, query: TaskQuery, after: str | None) -> _Place | None:
    """The last row this page may look at, None when fewer are left."""
    newest = _within(select(tasks.c.updated_at, tasks.c.id), query, None if after is None else _place(after))
    row = connection.execute(newest.order_by(*_NEWEST).offset(SCAN - 1).limit(1)).one_or_none()
    return None if row is None else (row.updated_at, row.id)


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


def _filters(query: TaskQuery) -> list[ColumnElement[bool]]:
    exact = {"state": query.state, "queue": query.queue, "worker": query.worker}
    found: list[ColumnElement[bool]] = [tasks.c[name] == value for name, value in exact.items() if value is not None]
    if query.name is not None:
        found.append(_named(query.name))
    if query.text:
        columns = (tasks.c.id, tasks.c.name, tasks.c.args, tasks.c.kwargs)
        found.append(or_(*(column.icontains(query.text, autoescape=True) for column in columns)))
    return found


def _named(name: str) -> ColumnElement[bool]:
    if name.endswith("*"):
        return tasks.c.name.startswith(name[:-1], autoescape=True)
    return tasks.c.name == name
