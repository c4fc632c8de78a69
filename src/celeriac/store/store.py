"""The store: one seam for everything that is kept. Each method is one transaction; SQL lives in the files beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from celeriac.errors import StoreError
from celeriac.model.broker import BrokerLook, Held
from celeriac.model.dead_letter import DeadLetter
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.gap import Gap, Tally
from celeriac.model.incident import Incident, IncidentState
from celeriac.model.ledger import Balance, Declaration, Term
from celeriac.model.queue import Queue
from celeriac.model.recording import Recording
from celeriac.model.sighting import Sighting
from celeriac.model.source import SourceMark
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Worker
from celeriac.store import (
    acts,
    audit,
    balance,
    dead_letters,
    documents,
    events,
    evidence,
    gaps,
    groups,
    incident_pages,
    incidents,
    leases,
    ledger,
    memory,
    queues,
    record,
    recordings,
    requests,
    retention,
    revisions,
    search,
    sources,
    tasks,
    view,
    workers,
)
from celeriac.store import migrate as schema_version
from celeriac.store.audit import Entry
from celeriac.store.batch import Batch, Recorded
from celeriac.store.engine import connect
from celeriac.store.engines import Engines
from celeriac.store.faults import translated
from celeriac.store.groups import Member
from celeriac.store.incident_rows import IncidentRow, LogEntry, Request, SavedIncident
from celeriac.store.memory import Peaks
from celeriac.store.migrate import Schema
from celeriac.store.page import Page
from celeriac.store.query import TaskQuery, TaskRow
from celeriac.store.writer import Writer

T = TypeVar("T")
BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's write."""


class Store:
    """History and state, durable. Safe to use from any thread.

    Every method raises StoreUnavailableError (retryable) while the disk is full or another process holds the store,
    StoreError when it cannot be used at all, WireError for values that no database holds.
    """

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._writer = Writer(engines.writer, engines.place)
        self._known = view.Known()

    @classmethod
    def open(cls, url: str, *, busy_timeout: float = BUSY_TIMEOUT, migrate: bool = True) -> Store:
        """The store at `url`: `sqlite:///path`, `postgresql://user:password@host:port/database`, or `sqlite://` for
        one in memory that ends with `close`.

        `busy_timeout` is how many seconds to wait for another process's write. Without `migrate` a schema of another
        version is refused. Raises StoreError when the place is not usable or not ours, SchemaVersionError when a newer
        version wrote it; what is there is then left as it is.
        """
        store = cls(connect(url, busy_timeout))
        try:
            store._prepare(migrate=migrate)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def existing(cls, url: str) -> Store:
        """The store somebody else writes, to read it. Raises StoreError when there is none: none is made."""
        found = cls.schema(url)
        if found.revision is None:
            raise StoreError(
                f"there is no store at {found.place}",
                hint="Start `celeriac serve` there first, or name the store with --store URL",
            )
        return cls.open(url)

    @classmethod
    def schema(cls, url: str) -> Schema:
        """Where the store at `url` is and what its schema is, which is left as it is. Raises as `open` does."""
        engines = connect(url, BUSY_TIMEOUT)
        try:
            if engines.empty or engines.reader is None:
                return Schema(engines.place, None)
            with translated(engines.place), engines.reader.begin() as connection:
                return Schema(engines.place, schema_version.version(connection, engines.place))
        finally:
            engines.dispose()

    @property
    def place(self) -> str:
        """Where it is, without a secret."""
        return self._engines.place

    def close(self) -> None:
        """Finish what was submitted and let go of every connection."""
        self._writer.close()
        self._engines.dispose()

    # What was collected

    def record(self, batch: Batch) -> Recorded:
        """Take a batch in: events once each, levels by their newest, marks into the watermark; all or nothing."""
        return self._write(lambda connection: record.record(connection, batch))

    def watermark(self) -> float:
        """The time up to which all live sources have been read, 0 before any was."""
        return self._read(partial(sources.moment, name=sources.WATERMARK)) or 0.0

    def first_seen(self) -> float | None:
        """When this store first heard anything."""
        return self._read(partial(sources.moment, name=sources.FIRST_SEEN))

    def sources(self) -> tuple[SourceMark, ...]:
        """Every source there has been."""
        return self._read(sources.read)

    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """What cannot be seen, and why."""
        return self._read(documents.blind_spots)

    def view(self, now: float, *, observed: float = 0.0, history: bool = True, one_shot: bool = False) -> View:
        """What detectors judge, as of the watermark; as of `now` when `one_shot`."""
        known = self._known
        return self._read(
            partial(view.view, now=now, known=known, observed=observed, history=history, one_shot=one_shot)
        )

    def revisions(self) -> dict[str, int]:
        """A counter for each section of the dashboard, bumped by every change to it."""
        return self._read(revisions.read)

    # Tasks

    def task(self, task_id: str) -> Task | None:
        """The task, None when never heard of."""
        return self._read(partial(tasks.get, task_id=task_id))

    def tasks(self, query: TaskQuery, *, after: str | None = None, limit: int = 50) -> Page[TaskRow]:
        """A page of tasks, newest first; `after` is the page before's `next`."""
        return self._read(partial(search.search, query=query, after=after, limit=limit))

    def task_counts(self) -> dict[str, int]:
        """How many tasks are in each state, by AttemptState's value."""
        return self._read(tasks.counts)

    def find_task_ids(self, ids: Sequence[str]) -> dict[str, TaskRow]:
        """Those of `ids` that were ever heard of."""
        return self._read(partial(tasks.listed, ids=ids))

    def timeline(self, task_id: str, limit: int = 200) -> tuple[Event, ...]:
        """The newest events of a task, oldest first; they are kept a day."""
        return self._read(partial(events.timeline, task_id=task_id, limit=limit))

    def dead_letters(self, task_id: str) -> tuple[DeadLetter, ...]:
        """Every message of the task that was set aside, oldest first."""
        return self._read(partial(dead_letters.of_task, task_id=task_id))

    # The ledger

    def balance(self) -> tuple[Balance, ...]:
        """The equation over all tasks on record, then for each task name."""
        return self._read(balance.read)

    def standing(self) -> dict[str, dict[Term, int]]:
        """How many open tasks stand in each term, by queue."""
        return self._read(balance.by_queue)

    def ahead(self, queue: str, published_at: float) -> int:
        """How many tasks that were published earlier wait in `queue`; counted up to `search.FARTHEST`."""
        return self._read(partial(search.ahead, queue=queue, published_at=published_at))

    def taken(self, queue: str, since: float) -> int:
        """How many tasks of `queue` a worker took since then; counted up to `search.FARTHEST`."""
        return self._read(partial(search.taken, queue=queue, since=since))

    def suspects(self, limit: int) -> dict[str, str | None]:
        """Ids, with their queue, of tasks that should have been taken or seen by the watermark and were not; the oldest
        first."""
        return self._read(lambda c: {row.id: row.queue for row in ledger.suspects(c, _watermark(c), limit)})

    def unended(self, limit: int) -> tuple[str, ...]:
        """Ids of tasks whose end may not have been heard by the watermark: taken, lost of late, or waiting longest."""
        return self._read(lambda c: groups.unended(c, _watermark(c), limit))

    def open_groups(self, limit: int) -> tuple[str, ...]:
        """Groups with a member that has not ended, or was lost."""
        return self._read(partial(groups.open_groups, limit=limit))

    def members(self, group_ids: Sequence[str]) -> tuple[Member, ...]:
        """The tasks on record of these groups."""
        return self._read(lambda c: groups.members(c, group_ids))

    def sighting(self, task_id: str) -> Sighting | None:
        """What searches of the broker say of one task, None when it was never looked for."""
        return self._read(lambda c: ledger.sightings_of(c, [task_id]).get(task_id))

    def declare(self, declared: Sequence[Declaration], now: float) -> None:
        """Let these judgements stand; what was held or unknown and is not among them is so no more."""
        self._write(lambda connection: ledger.declare(connection, declared, now))

    # Workers, queues, the broker, hosts

    def workers(self) -> tuple[Worker, ...]:
        """Every worker life heard of in the day before the watermark."""
        return self._read(lambda c: workers.since(c, _watermark(c) - workers.HEARD_WITHIN))

    def worker(self, node: str, pid: int) -> Worker | None:
        """One worker life, None when never heard of."""
        return self._read(partial(workers.get, node=node, pid=pid))

    def memory(self) -> tuple[Peaks, ...]:
        """What tasks of each name took in the week before the watermark, the greatest first."""
        return self._read(lambda c: memory.peaks(c, _watermark(c)))

    def queues(self, since: float) -> tuple[Queue, ...]:
        """Every queue looked at since then, with its looks."""
        return self._read(partial(_queues, since=since))

    def broker(self) -> BrokerLook | None:
        """The newest look at the broker, None before the first."""
        return self._read(documents.look)

    def held(self) -> tuple[Held, ...] | None:
        """What the newest look saw delivered and not acknowledged, None when that could not be seen."""
        return self._read(documents.held)

    def evidence(self, since: float) -> tuple[Evidence, ...]:
        """Every level, and the edges since then; oldest first."""
        return self._read(partial(evidence.since, at=since))

    def gaps(self, since: float) -> tuple[Gap, ...]:
        """The holes found since then, oldest first."""
        return self._read(partial(gaps.since, at=since))

    def tallies(self) -> tuple[Tally, ...]:
        """The books on every worker life; their `starts` are empty, see `starts`."""
        return self._read(gaps.books)

    def recordings(self, boots: Sequence[str]) -> dict[str, Recording]:
        """The accounts of those recorders' lives, by boot id."""
        return self._read(partial(recordings.of, boots=boots))

    def starts(self, worker: str, pid: int, after: float) -> tuple[float, ...]:
        """When tasks started in one worker life later than `after`, by the worker's clock, in order."""
        return self._read(partial(events.starts, worker=worker, pid=pid, after=after))

    # Incidents

    def incidents(
        self,
        *,
        states: frozenset[IncidentState] | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[IncidentRow]:
        """A page of incidents, the newest first."""
        return self._read(partial(incident_pages.page, states=states, kind=kind, after=after, limit=limit))

    def incident(self, incident_id: str) -> IncidentRow | None:
        """The incident, None when there is none of that id."""
        return self._read(partial(incident_pages.get, incident_id=incident_id))

    def incidents_of_task(self, task_id: str) -> tuple[tuple[str, str], ...]:
        """(incident id, role) of each part a task has in an incident; roles are the lists of an Impact."""
        return self._read(partial(incident_pages.of_task, task_id=task_id))

    def live_incidents(self) -> tuple[Incident, ...]:
        """Every incident not resolved, and those resolved in the hour before the watermark, which may reopen."""
        return self._read(lambda c: incident_pages.live(c, _watermark(c)))

    def incident_log(self, incident_id: str) -> tuple[LogEntry, ...]:
        """The changes of an incident's state, oldest first."""
        return self._read(partial(incident_pages.log, incident_id=incident_id))

    def save_incidents(self, saved: Sequence[SavedIncident], removed: Sequence[str], now: float) -> None:
        """Write `saved` and drop `removed`, at once; log each change of state at `now`."""
        self._write(lambda connection: incidents.save(connection, saved, removed, now))

    # Requests

    def request(self, kind: str, subject: str, by: str, now: float) -> str:
        """Ask the loop that owns `kind` for something; the request's id."""
        return self._write(lambda connection: requests.ask(connection, kind, subject, by, now))

    def open_requests(self, kind: str) -> tuple[Request, ...]:
        """Requests nobody settled yet, oldest first."""
        return self._read(partial(requests.waiting, kind=kind))

    def settle_request(self, request_id: str, outcome: str, now: float) -> None:
        """Say what came of a request. Raises NotFoundError when none of that id is open."""
        self._write(lambda connection: requests.settle(connection, request_id, outcome, now))

    def asked(self, request_id: str) -> Request | None:
        """The request, settled or not; None when there is none of that id."""
        return self._read(partial(requests.get, request_id=request_id))

    def requests(self, kind: str, *, after: str | None = None, limit: int = 50) -> Page[Request]:
        """A page of requests of `kind`, settled or not, the newest first."""
        return self._read(partial(requests.page, kind=kind, after=after, limit=limit))

    # Acts

    def lease(self, name: str, holder: str, now: float, ttl: float) -> int | None:
        """Take or prolong the lease to act; its fence, None while somebody else holds it."""
        return self._write(lambda connection: leases.take(connection, name, holder, now, ttl))

    def release(self, name: str, holder: str) -> None:
        """Let the lease go, if it is one's own."""
        self._write(lambda connection: leases.release(connection, name, holder))

    def acted(self, request_id: str, outcome: str, entries: Sequence[Entry], told: Sequence[Event], now: float) -> None:
        """Settle a request together with the audit and the events of what was done for it. Raises NotFoundError, and
        writes nothing, when it was settled."""
        self._write(lambda connection: acts.done(connection, request_id, outcome, entries, told, now))

    def audit(self, subject: str | None = None, *, after: str | None = None, limit: int = 50) -> Page[Entry]:
        """A page of what was done, to `subject` if one is given; the newest first."""
        return self._read(partial(audit.page, subject=subject, after=after, limit=limit))

    # Age

    def prune(self, now: float, limit: int = 1000) -> int:
        """Delete at most `limit` rows past their age; how many were. Call again while it is not 0."""
        return self._write(lambda connection: retention.prune(connection, now, limit))

    def _prepare(self, *, migrate: bool) -> None:
        """In this thread, which waits for nobody: a great store takes its time."""
        prepare = schema_version.upgrade if migrate else schema_version.check
        with translated(self.place), self._engines.writer.begin() as connection:
            prepare(connection, self.place)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._writer.submit(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent snapshot; in memory, behind the writes on the one connection there is."""
        if self._engines.reader is None:
            return self._writer.submit(work)
        with translated(self._engines.place), self._engines.reader.begin() as connection:
            return work(connection)


def _watermark(connection: Connection) -> float:
    return sources.moment(connection, sources.WATERMARK) or 0.0


def _queues(connection: Connection, since: float) -> tuple[Queue, ...]:
    at = _watermark(connection)
    return queues.since(connection, since, at, workers.since(connection, at - workers.HEARD_WITHIN))
