"""Requests: what people ask for is a row; the loop that owns the work settles it."""

from __future__ import annotations

from sqlalchemy import Connection, and_, or_, select, update

from celeriac.errors import NotFoundError
from celeriac.model.event import fingerprint
from celeriac.store.incident_rows import Request
from celeriac.store.page import Page, cursor, position
from celeriac.store.rows import put
from celeriac.store.schema import requests

BATCH = 100
PAGE_LIMIT = 500
_WHOLE = select(requests)


def ask(connection: Connection, kind: str, subject: str, by: str, now: float) -> str:
    """Write the request; its id. The same one twice at one instant is one."""
    request_id = fingerprint("request", kind, subject, by, now)
    row = {"id": request_id, "kind": kind, "subject": subject, "by": by, "at": now, "settled_at": None, "outcome": None}
    put(connection, requests, [row])
    return request_id


def waiting(connection: Connection, kind: str) -> tuple[Request, ...]:
    """Requests of `kind` that nobody settled, the `BATCH` oldest."""
    found = (
        _WHOLE.where(requests.c.kind == kind, requests.c.settled_at.is_(None))
        .order_by(requests.c.at, requests.c.id)
        .limit(BATCH)
    )
    return tuple(Request(*row) for row in connection.execute(found))


def get(connection: Connection, request_id: str) -> Request | None:
    """The request, None when there is none of that id."""
    row = connection.execute(_WHOLE.where(requests.c.id == request_id)).one_or_none()
    return None if row is None else Request(*row)


def page(connection: Connection, kind: str, after: str | None, limit: int) -> Page[Request]:
    """Requests of `kind`, settled or not, the newest first."""
    limit = max(1, min(limit, PAGE_LIMIT))
    wanted = _WHOLE.where(requests.c.kind == kind)
    if after is not None:
        at, request_id = position(after, float, str)
        wanted = wanted.where(or_(requests.c.at < at, and_(requests.c.at == at, requests.c.id < request_id)))
    rows = connection.execute(wanted.order_by(requests.c.at.desc(), requests.c.id.desc()).limit(limit + 1)).all()
    items = tuple(Request(*row) for row in rows[:limit])
    return Page(items, cursor(items[-1].at, items[-1].id) if len(rows) > limit else None)


def settle(connection: Connection, request_id: str, outcome: str, now: float) -> None:
    """Say what came of a request. Raises NotFoundError when none of that id is open."""
    settled = connection.execute(
        update(requests)
        .where(requests.c.id == request_id, requests.c.settled_at.is_(None))
        .values(settled_at=now, outcome=outcome)
    )
    if not settled.rowcount:
        raise NotFoundError(f"no open request {request_id}", hint="It was settled already, or never made")
