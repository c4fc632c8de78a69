"""The ledger's equation in public form: what was published, and where all of it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from celeriac.api.views.freshness import fresh
from celeriac.api.views.shape import Json, gap_json, when
from celeriac.model.finding import BlindSpot
from celeriac.model.gap import Gap
from celeriac.model.ledger import Balance, Term
from celeriac.model.queue import Queue
from celeriac.store import Store

WINDOW = 60.0
"""Seconds back in which a queue was seen in the broker."""
NAMES = 200
"""Task names that are listed, those with the most tasks."""
_NO_EVENTS = BlindSpot(
    "tasks",
    "no task event has been heard: no recorder, and no worker sends events",
    "every term; start workers with -E, or call celeriac.install(app)",
)
_NO_PUBLISHES = BlindSpot(
    "publishes",
    "no producer tells what it publishes",
    "published, waiting and lost; call celeriac.install(app) where tasks are sent",
)
_NO_GUARD = BlindSpot("dead letters", "no worker runs Celeriac's recorder", "dead: what the poison guard set aside")


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen at all: any task, what is published, what the guard inside workers does."""

    tasks: bool
    publishes: bool
    guard: bool


def balance(store: Store, now: float) -> Json:
    """The equation over all tasks on record and for each name, and beside it what the broker holds of each queue."""
    judged, gaps = fresh(store, now)
    total, *names = store.balance()
    sight = sight_of(store, total)
    at = judged.as_of or now
    return {
        **_equation(total, sight),
        "as_of": when(judged.as_of),
        "since": when(store.first_seen()),
        "stale": judged.stale,
        "gaps": [gap_json(gap) for gap in gaps],
        "names": [{"name": one.name, **_equation(one, sight)} for one in names[:NAMES]],
        "names_count": len(names),
        "queues": _queues(store.queues(at - WINDOW), store.standing(), sight),
        "blind_spots": [
            {"what": spot.what, "why": spot.why, "would_add": spot.would_add} for spot in _unseen(total, sight, gaps)
        ],
    }


def sight_of(store: Store, total: Balance) -> Sight:
    """What can be seen in this store."""
    workers = store.workers()
    heard = total.accounted > 0 or any(worker.task_event_seen is not None for worker in workers)
    return Sight(heard, total.published > 0, any(worker.recorded_at is not None for worker in workers))


def _equation(one: Balance, sight: Sight) -> Json:
    """Terms that cannot be seen are null, never 0; one that was seen after all is counted."""
    terms: dict[str, int | None] = {term.value: one.terms[term] for term in Term}
    for term in _unseen_terms(one, sight):
        terms[term.value] = None
    return {
        "published": one.published if sight.publishes else None,
        "unrecorded": one.unrecorded if sight.tasks else None,
        "terms": terms,
        "holds": one.holds if sight.publishes else None,
        "difference": one.published + one.unrecorded - one.accounted if sight.publishes else None,
    }


def _unseen_terms(one: Balance, sight: Sight) -> Iterable[Term]:
    dark: tuple[Term, ...] = () if sight.guard else (Term.DEAD,)
    if not sight.publishes:
        dark = (*dark, Term.WAITING, Term.LOST)
    if not sight.tasks:
        dark = tuple(Term)
    return (term for term in dark if not one.terms[term])


def _queues(seen: Iterable[Queue], standing: Mapping[str, Mapping[Term, int]], sight: Sight) -> list[Json]:
    """What the ledger has waiting in each queue, and what the broker has there."""
    looks = {queue.name: queue.latest for queue in seen}
    rows = []
    for name in sorted({*looks, *standing}):
        look, terms = looks.get(name), standing.get(name, {})
        waiting = terms.get(Term.WAITING, 0) if sight.publishes else None
        ready = None if look is None else look.ready
        unknown_to_us = None if ready is None or waiting is None else max(0, ready - waiting)
        rows.append(
            {
                "queue": name,
                "waiting": waiting,
                "ready": ready,
                "unacked": None if look is None else look.unacked,
                "unrecorded": unknown_to_us,
            }
        )
    return rows


def _unseen(total: Balance, sight: Sight, gaps: Iterable[Gap]) -> Iterable[BlindSpot]:
    if not sight.tasks:
        yield _NO_EVENTS
    elif not sight.publishes:
        yield _NO_PUBLISHES
    elif total.unrecorded:
        yield BlindSpot(
            "publishes",
            f"{total.unrecorded:,} tasks were seen whose publish was not: sent before watching began, or by a producer "
            "without a recorder",
            "who sent them, and those of theirs that nobody ever took",
        )
    if sight.tasks and not sight.guard:
        yield _NO_GUARD
    missing = [gap for gap in gaps if gap.source == "record"]
    if missing:
        sizes = [gap.size for gap in missing]
        count = "an unknown number of" if None in sizes else f"{sum(size or 0 for size in sizes):,}"
        yield BlindSpot("the record", f"{count} events are missing in the last hour", "publishes and ends among them")
