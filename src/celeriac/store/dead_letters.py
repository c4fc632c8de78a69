"""Messages set aside: each is kept once, under its own id."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Row, select

from celeriac.model.dead_letter import DeadLetter
from celeriac.store.codec import pack_mapping
from celeriac.store.rows import find, put
from celeriac.store.schema import dead_letters


def add(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keep those that are new; one that is here already stays as it is, whatever has become of it."""
    table = dead_letters
    known = {row.id for row in find(connection, select(table.c.id), table.c.id, [one.id for one in letters])}
    fresh = {one.id: one for one in letters if one.id not in known}
    put(connection, table, [_row(one) for one in fresh.values()])


def of_task(connection: Connection, task_id: str) -> tuple[DeadLetter, ...]:
    """Every message of the task that was set aside, oldest first."""
    rows = connection.execute(select(dead_letters).where(dead_letters.c.task_id == task_id).order_by(dead_letters.c.at))
    return tuple(_letter(row) for row in rows)


def _row(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "task_id": letter.task_id,
        "name": letter.name,
        "queue": letter.queue,
        "cause": letter.cause,
        "state": letter.state,
        "at": letter.at,
        "body": pack_mapping(letter.body),
    }


def _letter(row: Row[tuple[object, ...]]) -> DeadLetter:
    return DeadLetter(**{**row._mapping, "body": msgspec.json.decode(row.body)})
