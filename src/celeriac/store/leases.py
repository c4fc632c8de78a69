"""Leases: who may act. One holder at a time, and a number that grows with each new one."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from celeriac.store.rows import put
from celeriac.store.schema import leases


def take(connection: Connection, name: str, holder: str, now: float, ttl: float) -> int | None:
    """Take the lease for `ttl` seconds, or prolong one's own; its fence, None while somebody else holds it.

    Fences begin at the time in milliseconds, so that they also grow from one store to the next.
    """
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if row is not None and row.holder != holder and row.until > now:
        return None
    own = row is not None and row.holder == holder and row.until > now
    before = 0 if row is None else row.fence
    fence: int = before if own else max(before + 1, int(now * 1000))
    put(connection, leases, [{"name": name, "holder": holder, "fence": fence, "until": now + ttl}])
    return fence


def release(connection: Connection, name: str, holder: str) -> None:
    """Let the lease go, if it is still one's own."""
    connection.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=0.0))
