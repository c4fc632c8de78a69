"""The ledger's own questions and acts: who is missing, what is due, what was declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, text, update

from celeriac.model.event import LEDGER, Event, fingerprint
from celeriac.model.ledger import Declaration, Term, term_of
from celeriac.model.queue import QueueSample
from celeriac.model.sighting import Search, Sighting, sighted
from celeriac.store import balance, events, queues, tasks
from celeriac.store.balance import standings
from celeriac.store.codec import pack, unpack
from celeriac.store.revisions import bump
from celeriac.store.rows import find, put
from celeriac.store.schema import OPEN_TERMS, sightings
from celeriac.store.schema import tasks as rows
from celeriac.store.taskrows import FOLDED, JUDGED, to_task

SETTLE = 2.0
"""Seconds after the last that was heard of a task before anybody asks where it is: it may be on its way."""
CLOCKS = 2.0
"""Seconds by which two producers' clocks may differ, so that one that was published later stands before it."""
RETRY_SETTLE = 10.0
LEEWAY = 1.1
"""What was told of the last moments has not all been heard, so that a few more seem to wait than do."""
STEP = 1_000


def suspects(connection: Connection, at: float, limit: int) -> list[Row[Any]]:
    """The rows of tasks that should have been taken or seen by `at` and were not, the oldest first.

    A queue is first in, first out: while the oldest message in it was published before a task, that one waits behind
    it. So what is older than the oldest is missed; and where clearly fewer messages stand than tasks should wait, any
    of them may be. A suspect is looked for, not judged. What is missed and what is in doubt already leave each
    other half of the room: a fleet that is frozen must not hide a new loss.
    """
    looked = queues.newest(connection)
    missing: dict[str, Row[Any]] = {}
    for queue, terms in balance.by_queue(connection).items():
        waiting = terms.get(Term.WAITING, 0) + terms.get(Term.RETRYING, 0)
        if waiting:
            before = _expected(connection, looked.get(queue), waiting, at)
            _add(missing, connection, _waiting(rows.c.queue == queue, before, at, limit))
    _add(missing, connection, _waiting(rows.c.queue.is_(None), at, at, limit))
    doubted = sorted(connection.execute(_in(Term.UNKNOWN).limit(limit)), key=_age)
    missed = sorted(missing.values(), key=_age)[: max(limit - limit // 2, limit - len(doubted))]
    return sorted([*missed, *doubted[: limit - len(missed)]], key=_age)


def _age(row: Row[Any]) -> tuple[float, str]:
    return row.updated_at, row.id


def _add(missing: dict[str, Row[Any]], connection: Connection, queries: Select[Any] | Sequence[Select[Any]]) -> None:
    for query in [queries] if isinstance(queries, Select) else queries:
        missing |= {row.id: row for row in connection.execute(query)}


def _waiting(here: ColumnElement[bool], before: float, at: float, limit: int) -> Sequence[Select[Any]]:
    """What waits there since earlier than `before`. One question each, so that each is a range of the index."""
    since, heard = rows.c.published_at, rows.c.updated_at
    first = _in(Term.WAITING).where(here, since < before, heard < at - SETTLE).order_by(since)
    seen_later = _in(Term.WAITING).where(here, since.is_(None), heard < min(before, at - SETTLE))
    again = _in(Term.RETRYING).where(here, heard < min(before, at - RETRY_SETTLE))
    return [query.limit(limit) for query in (first, seen_later, again)]


def _in(*terms: Term) -> Select[Any]:
    """Tasks in these terms, all of them open, by the index over those (SQLite wants its condition to the letter)."""
    return select(*JUDGED).where(text(OPEN_TERMS), rows.c.term.in_([term.value for term in terms]))


def _expected(connection: Connection, sample: QueueSample | None, waiting: int, at: float) -> float:
    """What was published earlier should have been taken."""
    if sample is None or waiting > sample.ready * LEEWAY:
        return at - SETTLE if sample is None else min(sample.at, at) - SETTLE
    oldest = None if sample.oldest_id is None else tasks.get(connection, sample.oldest_id)
    published = None if oldest is None else oldest.published_at
    return min(sample.at, at) - SETTLE if published is None else published - CLOCKS


def due(connection: Connection, at: float) -> None:
    """What was scheduled and whose time has come is merely reserved now."""
    by_eta = rows.c.term.concat("")  # as a value of its own: else SQLite would take the index over terms
    late = select(*FOLDED).where(rows.c.eta_at <= at, by_eta == Term.SCHEDULED.value)
    found = connection.execute(late.limit(STEP)).all()
    _stand(connection, {row.id: (row, Term.RESERVED, None) for row in found})


def declare(connection: Connection, declared: Iterable[Declaration], now: float) -> None:
    """Let `declared` stand: what is lost becomes part of a task's history, until something is heard of it; what is
    held or unknown stands as long as it is declared, what was given back until it is heard of."""
    wanted = {one.task_id: one for one in declared}
    _lose(connection, [one for one in wanted.values() if one.term is Term.LOST], now)
    levels = {key: one for key, one in wanted.items() if one.term is not Term.LOST}
    known: dict[str, Row[Any]] = {row.id: row for row in connection.execute(_in(Term.HELD, Term.UNKNOWN))}
    known |= {row.id: row for row in find(connection, select(*JUDGED), rows.c.id, list(levels.keys() - known.keys()))}
    changes: dict[str, tuple[Row[Any], Term, str | None]] = {}
    for task_id, row in known.items():
        own, one = term_of(to_task(row)), levels.get(task_id)
        if own is None or not own.open:
            continue
        term, because = (own, None) if one is None else (one.term, one.because)
        if (row.term, row.because) != (term.value, because):
            changes[task_id] = (row, term, because)
    _stand(connection, changes)


def _lose(connection: Connection, lost: Sequence[Declaration], now: float) -> None:
    told = {fingerprint("task-lost", one.task_id, one.at): one for one in lost}
    known = events.known_at(connection, {one.at for one in lost})
    fresh = [_told(key, one, now) for key, one in told.items() if key not in known]
    if tasks.fold(connection, events.append(connection, fresh)):
        bump(connection, "tasks")


def _told(key: str, lost: Declaration, now: float) -> Event:
    data = {"cause": lost.cause, "because": lost.because}
    return Event(key, "task-lost", lost.at, now, LEDGER, task_id=lost.task_id, data=data)


def _stand(connection: Connection, changes: Mapping[str, tuple[Row[Any], Term, str | None]]) -> None:
    for task_id, (_, term, because) in changes.items():
        connection.execute(update(rows).where(rows.c.id == task_id).values(term=term.value, because=because))
    balance.move(
        connection,
        left=standings(row._mapping for row, _, _ in changes.values()),
        entered=standings({**row._mapping, "term": term.value} for row, term, _ in changes.values()),
    )
    if changes:
        bump(connection, "tasks")


def searched(connection: Connection, search: Search) -> None:
    """Keep what a search says of each task it was for."""
    ids = [*search.found, *search.absent, *search.unsure]
    before = sightings_of(connection, ids)
    after = (sighted(before.get(one), one, search) for one in ids)
    kept = [one for one in after if one is not None]
    put(
        connection, sightings, [{"task_id": one.task_id, "looked_at": one.looked_at, "body": pack(one)} for one in kept]
    )


def sightings_of(connection: Connection, ids: Sequence[str]) -> dict[str, Sighting]:
    """What searches say of those of `ids` that were ever looked for."""
    return {task_id: to_sighting(body) for task_id, body in sighting_rows(connection, ids)}


def sighting_rows(connection: Connection, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The same as (task id, body): `to_sighting` reads one."""
    found = find(connection, select(sightings.c.task_id, sightings.c.body), sightings.c.task_id, list(ids))
    return ((row.task_id, row.body) for row in found)


def to_sighting(body: str) -> Sighting:
    """The sighting of a row."""
    return unpack(Sighting, body)
