"""Recordings: one row for each recorder's life, the account of which of its items came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from celeriac.model.recording import Recording
from celeriac.store.codec import pack, unpack
from celeriac.store.rows import find, put
from celeriac.store.schema import recordings


def keep(connection: Connection, accounts: Iterable[Recording]) -> None:
    """Write the accounts as they stand."""
    put(connection, recordings, [_row(one) for one in accounts])


def of(connection: Connection, boots: Sequence[str]) -> dict[str, Recording]:
    """The accounts of those lives, by boot id; a life never heard of is left out."""
    found = find(connection, select(recordings.c.boot, recordings.c.body), recordings.c.boot, list(boots))
    return {row.boot: unpack(Recording, row.body) for row in found}


def since(connection: Connection, at: float) -> tuple[Recording, ...]:
    """Every life heard of at or after `at`, the latest first."""
    newest = select(recordings.c.body).where(recordings.c.heard_at >= at).order_by(recordings.c.heard_at.desc())
    return tuple(unpack(Recording, body) for body in connection.scalars(newest))


def _row(recording: Recording) -> dict[str, object]:
    return {"boot": recording.sender.boot, "heard_at": recording.heard_at, "body": pack(recording)}
