"""The record loop: parcels from recorders and agents into the store, acknowledged only after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from celeriac.clock import Clock, SystemClock
from celeriac.collector.accounts import Accounts, Entry
from celeriac.collector.marking import failed, read
from celeriac.errors import StoreUnavailableError, TransportError, WireError
from celeriac.model.finding import BlindSpot
from celeriac.model.parcel import Parcel, left_behind, opened, unpack
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from celeriac.telemetry import JunkSeen, emit
from celeriac.transport import Inlet, Received

NAME = "record"
FLUSH = 0.2
LIMIT = 200
"""Parcels in one transaction, of some hundred items each: in a backlog as many as commit within a second."""
LATE = 1.0
"""Seconds by which a parcel that waited for us must be older than its arrival to be dated back."""
STOPPED = "its agent was stopped"
EXAMPLE_LENGTH = 120
WOULD_ADD = "a whole, numbered history of workers and producers that ran celeriac.install(app)"
SHARED = BlindSpot(
    "record",
    "another server reads it too, and each gets a part: stop one, or give each a broker of its own (transport.url)",
    WOULD_ADD,
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one read came to, until it is on record and acknowledged."""

    batch: Batch
    entry: Entry
    parcels: tuple[Parcel, ...]
    tags: tuple[str, ...]


class StreamLoop:
    """One read, one transaction, one acknowledgement. What was not acknowledged comes again, and changes nothing."""

    name = NAME
    interval = 0.0

    def __init__(self, inlet: Inlet, store: Store, clock: Clock | None = None) -> None:
        self._inlet = inlet
        self._store = store
        self._clock = clock or SystemClock()
        self._accounts = Accounts(store.recordings, store.first_seen())
        self._unsaved: _Taken | None = None
        self._unacknowledged: tuple[str, ...] = ()
        self._caught_up = False
        self._sight: tuple[BlindSpot, ...] | None = None

    def step(self, now: float) -> bool:
        """Receive for a flush, record, acknowledge. Raises TransportError and StoreUnavailableError; then what is under
        way goes first in the next step."""
        try:
            self._finish()
            got = self._inlet.receive(FLUSH, LIMIT)
        except TransportError as error:
            self._caught_up = False
            self._store.record(self._unread(now, error))
            raise
        self._unsaved = self._take(got, self._clock.now())
        self._finish()
        self._caught_up = got.current
        return True

    def close(self) -> None:
        """Release the transport; what was received and not recorded comes again after the next start."""
        self._inlet.close()

    def _finish(self) -> None:
        """Put on record what was taken, then acknowledge it."""
        if self._unsaved is not None:
            self._save(self._unsaved)
        if self._unacknowledged:
            self._inlet.acknowledge(self._unacknowledged)
            self._unacknowledged = ()

    def _save(self, taken: _Taken) -> None:
        try:
            self._store.record(taken.batch)
        except StoreUnavailableError:
            raise
        except WireError as error:
            self._save_one_by_one(taken, error)
        else:
            self._accounts.settle(taken.entry)
        self._unsaved = None
        self._unacknowledged = taken.tags

    def _save_one_by_one(self, taken: _Taken, error: WireError) -> None:
        """One parcel holds what no store takes: it alone is set aside, and said."""
        refused = 0
        for parcel in taken.parcels:
            entry = self._accounts.enter((parcel,), taken.batch.now, prompt=False)
            try:
                self._store.record(_batch(taken.batch.now, (parcel,), entry))
            except WireError:
                refused += 1
            else:
                self._accounts.settle(entry)
        self._store.record(Batch(taken.batch.now, marks=taken.batch.marks))
        emit(JunkSeen(max(1, refused), str(error)[:EXAMPLE_LENGTH]))

    def _take(self, got: Received, now: float) -> _Taken:
        prompt = self._caught_up and got.current
        parcels = tuple(self._dated(parcel, now, prompt) for parcel in _whole(_unpacked(got, now), now))
        entry = self._accounts.enter(parcels, now, prompt=prompt)
        batch = _batch(now, parcels, entry)
        own = (read(NAME, got.began),) if got.current else ()
        sight, self._sight = self._sight, (SHARED,) if got.others else ()
        seen = {} if sight == self._sight else {NAME: self._sight}
        batch = replace(batch, marks=(*own, *batch.marks), blind_spots={**batch.blind_spots, **seen})
        return _Taken(batch, entry, parcels, tuple(one.tag for one in got.deliveries))

    def _dated(self, parcel: Parcel, now: float, prompt: bool) -> Parcel:
        """The parcel with its events seen when it was sent, by our clock: what waited for us while we were down tells
        nothing of the present."""
        sent = parcel.sent_at + (self._accounts.skew(parcel.sender.boot) or 0.0)
        if prompt or now - sent <= LATE:
            return parcel
        return replace(parcel, events=tuple(replace(event, seen=sent) for event in parcel.events))

    def _unread(self, now: float, error: TransportError) -> Batch:
        """What could never be read is a blind spot: an old broker, or a user without the right. Else an outage."""
        if self._sight is None and not any(source.name == NAME for source in self._store.sources()):
            return Batch(now, blind_spots={NAME: (BlindSpot("record", str(error), WOULD_ADD),)})
        return Batch(now, marks=(failed(NAME, now, error),))


def _unpacked(got: Received, now: float) -> list[Parcel]:
    parcels, junk, example = [], 0, ""
    for delivery in got.deliveries:
        try:
            parcels.append(unpack(delivery.body, now))
        except WireError as error:
            junk += 1
            example = example or f"{str(error)[:EXAMPLE_LENGTH]}: {delivery.body[:EXAMPLE_LENGTH]!r}"
    if junk:
        emit(JunkSeen(junk, example))
    return parcels


def _whole(parcels: Iterable[Parcel], now: float) -> Iterator[Parcel]:
    """The parcels, and after each those that killed recorders could not send, as their black boxes tell."""
    for parcel in parcels:
        yield replace(parcel, evidence=tuple(opened(one) for one in parcel.evidence))
        for one in parcel.evidence:
            try:
                tail = left_behind(one, now)
            except WireError as error:
                emit(JunkSeen(1, str(error)[:EXAMPLE_LENGTH]))
            else:
                yield from () if tail is None else (tail,)


def _batch(now: float, parcels: Sequence[Parcel], entry: Entry) -> Batch:
    return Batch(
        now,
        events=tuple(event for parcel in parcels for event in parcel.events),
        evidence=tuple(fact for parcel in parcels for fact in parcel.evidence),
        gaps=entry.gaps,
        filled=entry.filled,
        recordings=entry.recordings,
        marks=_reads(parcels, entry),
        blind_spots=_blind_spots(parcels),
    )


def _reads(parcels: Sequence[Parcel], entry: Entry) -> tuple[SourceMark, ...]:
    """How far agents have read their hosts, by our clock."""
    skews = {one.sender.boot: one.skew for one in entry.recordings}
    marks: dict[str, SourceMark] = {}
    for parcel in parcels:
        skew = skews.get(parcel.sender.boot) or 0.0
        for source, began in parcel.reads.items():
            name = f"{source}@{parcel.sender.host}"
            marks[name] = SourceMark(name, began + skew, STOPPED if parcel.last else None)
    return tuple(marks.values())


def _blind_spots(parcels: Sequence[Parcel]) -> dict[str, tuple[BlindSpot, ...]]:
    """What each host's agent cannot see now; one that took its leave says nothing any more."""
    told: dict[str, tuple[BlindSpot, ...]] = {}
    for parcel in parcels:
        if parcel.sender.role == "agent" and (parcel.reads or parcel.blind_spots or parcel.last):
            host = parcel.sender.host
            spots = () if parcel.last else parcel.blind_spots
            told[f"agent@{host}"] = tuple(replace(spot, what=f"{spot.what} of {host}") for spot in spots)
    return told
