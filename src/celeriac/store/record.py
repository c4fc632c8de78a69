"""Take a batch in: append, fold, move the watermark, all or nothing."""

from __future__ import annotations

from sqlalchemy import Connection

from celeriac.store import (
    dead_letters,
    documents,
    events,
    evidence,
    gaps,
    ledger,
    memory,
    queues,
    recordings,
    sources,
    tasks,
    workers,
)
from celeriac.store.batch import Batch, Recorded
from celeriac.store.revisions import bump


def record(connection: Connection, batch: Batch) -> Recorded:
    """Write `batch` in the caller's transaction. The same batch again changes nothing but what is newest."""
    fresh = events.append(connection, batch.events)
    changed = {
        "tasks": tasks.fold(connection, fresh),
        "workers": workers.fold(connection, fresh, batch.workers),
        "queues": batch.look is not None and queues.add(connection, batch.look.queues),
    }
    memory.fold(connection, fresh)
    _levels(connection, batch)
    for section in (name for name, moved in changed.items() if moved):
        bump(connection, section)
    if batch.events or any(mark.error is None for mark in batch.marks):
        sources.begin(connection, batch.now)
    watermark = sources.mark(connection, batch.marks, batch.now)
    ledger.due(connection, watermark)
    return Recorded(len(fresh), len(batch.events) - len(fresh), watermark)


def _levels(connection: Connection, batch: Batch) -> None:
    if batch.look is not None:
        documents.put_look(connection, batch.look)
    for source, spots in batch.blind_spots.items():
        documents.put_blind_spots(connection, source, spots, batch.now)
    evidence.add(connection, batch.evidence)
    gaps.drop(connection, batch.filled)
    gaps.add(connection, batch.gaps)
    gaps.settle(connection, batch.tallies)
    recordings.keep(connection, batch.recordings)
    dead_letters.add(connection, batch.dead_letters)
    if batch.search is not None:
        ledger.searched(connection, batch.search)
