"""The ingest loop: native events from the broker into the store, and the books on what was missed."""

from __future__ import annotations

from dataclasses import replace

from celeriac.brokers import EventBatch, EventStream
from celeriac.collector.books import Books
from celeriac.collector.marking import failed, read
from celeriac.errors import BrokerError, StoreUnavailableError, WireError
from celeriac.model.event import Event
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from celeriac.telemetry import JunkSeen, emit

NAME = "events"
FLUSH = 0.2
LIMIT = 5_000
EXAMPLE_LENGTH = 120


class EventLoop:
    """Read for a flush, record in one transaction. What could not be recorded is kept and tried first next time."""

    name = "ingest"
    interval = 0.0

    def __init__(self, stream: EventStream, store: Store) -> None:
        self._stream = stream
        self._store = store
        reporting = [(one.node, one.pid) for one in store.workers() if one.task_event_seen is not None]
        self._books = Books(store.tallies(), reporting, store.starts, self._is_recorded)
        if store.first_seen() is not None:
            self._books.blind("monitor-down")
        self._unsaved: Batch | None = None

    def step(self, now: float) -> bool:
        """One read and one transaction. Raises what the broker or the store raised, for the runner to back off."""
        if self._unsaved is not None:
            self._save(self._unsaved)
        try:
            got = self._stream.read(FLUSH, LIMIT)
        except BrokerError as error:
            self._store.record(Batch(now, marks=(failed(NAME, now, error),)))
            raise
        self._save(self._batch(got, now))
        return True

    def close(self) -> None:
        """End the subscription; what was read and not recorded gets one last try."""
        self._stream.close()
        if self._unsaved is not None:
            self._save(self._unsaved)

    def _is_recorded(self, node: str, pid: int) -> bool:
        life = self._store.worker(node, pid)
        return life is not None and life.recorded_at is not None

    def _batch(self, got: EventBatch, now: float) -> Batch:
        if got.reconnected:
            self._books.blind("reconnect")
        if got.junk:
            emit(JunkSeen(got.junk, got.example))
        entry = self._books.post(got.events, now)
        marks: tuple[SourceMark, ...] = (read(NAME, got.began),) if got.current else ()
        return Batch(now, events=got.events, gaps=entry.gaps, tallies=entry.tallies, marks=marks)

    def _save(self, batch: Batch) -> None:
        self._unsaved = batch
        try:
            self._record(batch)
        except StoreUnavailableError:
            raise
        except Exception:
            self._unsaved = None  # a batch that can never be recorded must not block the next
            raise
        self._unsaved = None

    def _record(self, batch: Batch) -> None:
        """Where one event holds what no store takes, it alone is set aside, and said."""
        try:
            self._store.record(batch)
        except WireError as error:
            refused = self._refused(batch.now, batch.events)
            self._store.record(replace(batch, events=()))
            emit(JunkSeen(max(1, refused), str(error)[:EXAMPLE_LENGTH]))

    def _refused(self, now: float, events: tuple[Event, ...]) -> int:
        """How many of `events` no store takes; the others are recorded. By halves: one in thousands is found soon."""
        try:
            self._store.record(Batch(now, events=events))
        except WireError:
            half = len(events) // 2
            return 1 if not half else self._refused(now, events[:half]) + self._refused(now, events[half:])
        return 0
