"""A counter per section, bumped in the transaction that changed it: pages refetch only what moved."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from celeriac.store.schema import revisions

SECTIONS = ("tasks", "workers", "queues", "incidents")


def bump(connection: Connection, section: str) -> None:
    """Say that `section` changed."""
    moved = connection.execute(
        update(revisions).where(revisions.c.section == section).values(number=revisions.c.number + 1)
    )
    if not moved.rowcount:
        connection.execute(insert(revisions).values(section=section, number=1))


def read(connection: Connection) -> dict[str, int]:
    """Every section's counter; 0 for one that never changed."""
    found = {row.section: row.number for row in connection.execute(select(revisions))}
    return {section: found.get(section, 0) for section in SECTIONS}
