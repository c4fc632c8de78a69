"""Holes in what was heard, and the books they are found with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from celeriac.model.gap import Gap, Tally
from celeriac.store.codec import pack, unpack
from celeriac.store.rows import put
from celeriac.store.schema import gaps, tallies


def add(connection: Connection, found: Iterable[Gap]) -> None:
    """Write the holes; one found again replaces its row."""
    put(connection, gaps, [{"id": gap.id, "found_at": gap.found_at, "body": pack(gap)} for gap in found])


def drop(connection: Connection, filled: Iterable[str]) -> None:
    """Forget holes that proved to be none: what was missing came late."""
    names = list(filled)
    if names:
        connection.execute(delete(gaps).where(gaps.c.id.in_(names)))


def since(connection: Connection, at: float) -> tuple[Gap, ...]:
    """The holes found at or after `at`, oldest first."""
    bodies = connection.scalars(select(gaps.c.body).where(gaps.c.found_at >= at).order_by(gaps.c.found_at, gaps.c.id))
    return tuple(unpack(Gap, body) for body in bodies)


def settle(connection: Connection, books: Iterable[Tally]) -> None:
    """Keep the books, without their starts: the event rows have those, exactly."""
    rows = [
        {"worker": book.worker, "pid": book.pid, "at": book.at, "body": pack(replace(book, starts=()))}
        for book in books
    ]
    put(connection, tallies, rows)


def books(connection: Connection) -> tuple[Tally, ...]:
    """The books on every worker life, with no starts in them."""
    return tuple(unpack(Tally, body) for body in connection.scalars(select(tallies.c.body)))
