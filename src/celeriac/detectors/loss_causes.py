"""Why a task that nobody was given stands nowhere: the cause tree, surest evidence first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from celeriac.detectors import prose
from celeriac.detectors.absences import Absence
from celeriac.detectors.attendance import may_have_kept, pops, takes_from
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.looks import emptied
from celeriac.detectors.memory import fact
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.routes import bindings_are_old, leads_nowhere
from celeriac.detectors.tail import is_whole, tail
from celeriac.detectors.traces import last_looked, seen
from celeriac.model.broker import RABBITMQ
from celeriac.model.evidence import BROKER_EDGES, Evidence
from celeriac.model.finding import Confidence, Fact
from celeriac.model.task import UNCONFIRMED, Task
from celeriac.model.task import Ending as TaskEnding
from celeriac.model.view import View

AROUND = 2.0
"""Seconds that a change may have happened before the look that saw it."""
CLOCKS = 0.5
EVIDENCE_WITHIN = 20.0
"""Seconds after the first search that missed a task for which its cause is waited for."""
REPORTED = 7.0
"""Seconds by which RabbitMQ's figures of a queue are late at most (collect_statistics_interval), and we after them."""
BEHIND = 5.0
"""Seconds by which a worker's clock may be behind a producer's."""
SHOWN = 200
"""Characters of a reason that a task keeps (model/task.py)."""
UNSYNCED = 2.0
"""Seconds of work that a Redis with an append-only file may lose at its end (appendfsync everysec)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A `task-lost` cause slug, who or what did it (`owner`, what its losses are grouped by), when, and the sentence
    that says so. `worker` is the node whose socket it was, `caused_by` the key of that one's death."""

    slug: str
    owner: str
    at: float
    because: str
    confidence: Confidence = "certain"
    facts: tuple[Fact, ...] = ()
    worker: str | None = None
    queue: str | None = None
    caused_by: str | None = None


def cause_of(view: View, absence: Absence) -> Cause | None:
    """The cause of one absence; None while its evidence may still come."""
    known = _known(absence, _causes(view, _sooner(view, absence)))
    if (
        known is None
        and not absence.told
        and view.at - absence.until < EVIDENCE_WITHIN
        and bindings_are_old(view, absence)
    ):
        return None
    return known or _unknown(absence)


def _known(absence: Absence, found: Iterator[Cause]) -> Cause | None:
    """The first of those `found`. What was declared stays as it was as long as it is among them: looks that told one
    change from another are kept in full for some minutes only."""
    first, ending = next(found, None), absence.task.ending
    if first is None or not absence.told or ending is None or _is_told(first, ending):
        return first
    return next((one for one in found if _is_told(one, ending)), first)


def _causes(view: View, absence: Absence) -> Iterator[Cause]:
    """Every one that what is known allows, the surest first."""
    yield from _each(view, absence, _dropped, _refused)
    yield from _by_the_broker(view, absence)
    yield from _each(view, absence, _with_a_worker, _by_an_unsynced_end, _by_routing, _with_a_connection)
    yield from _each(view, absence, _by_elimination)


def _by_the_broker(view: View, absence: Absence) -> Iterator[Cause]:
    """The earliest change first: what outlived that, the search that follows each change has seen."""
    wiped = _each(view, absence, _by_a_restart, _by_a_flush, _by_eviction)
    yield from sorted(wiped, key=lambda one: one.at)
    yield from _each(view, absence, _with_its_queue)


def _each(view: View, absence: Absence, *ways: Callable[[View, Absence], Cause | None]) -> Iterator[Cause]:
    return (cause for way in ways if (cause := way(view, absence)) is not None)


def _is_told(cause: Cause, ending: TaskEnding) -> bool:
    return cause.because[:SHOWN] == ending.text


def _sooner(view: View, absence: Absence) -> Absence:
    """Missed since its queue was seen empty, where that was before any search: what came later did not take it."""
    empty = emptied(view, absence.task.queue, absence.after + CLOCKS)
    if empty is None or empty >= absence.until:
        return absence
    return Absence(absence.task, absence.after, empty, absence.told)


def forgotten(view: View, absence: Absence) -> Cause | None:
    """What made the broker lose a message that a worker had taken and not acknowledged; None for any other."""
    return _known(absence, _by_the_broker(view, absence)) if was_kept(absence.task) else None


def was_kept(task: Task) -> bool:
    """True for a message that the broker kept while its worker had it: it was not acknowledged, as far as is told."""
    last = task.last
    return last is not None and not last.acknowledged and (last.started_at is None or last.acknowledged is False)


def _dropped(_: View, absence: Absence) -> Cause | None:
    """Its worker says so itself."""
    told = (mark for mark in reversed(absence.task.marks) if mark.what == "lost" and mark.inside)
    mark = next(told, None)
    if mark is None or mark.at < absence.after - BEHIND:
        return None
    shown = Fact(mark.at, "worker", f"{mark.detail}: so it says itself", f"celeriac task {absence.task.id}")
    return Cause("in-socket", mark.worker, mark.at, mark.detail, facts=(shown,), worker=mark.worker)


def _refused(view: View, absence: Absence) -> Cause | None:
    """A worker could not read it, and says so; it is then acknowledged, without an event."""
    refused = _refusals(view).get(absence.task.id)
    if refused is None or refused.at < absence.after - CLOCKS:
        return None
    node = refused.nodes[0]
    words = f"{node} could not read the message, and threw it away"
    return Cause("undecodable", node, refused.at, words, facts=(fact(refused),), worker=node)


@once_per_view
def _refusals(view: View) -> Mapping[str | None, Evidence]:
    return {one.text("task_id"): one for one in seen(view, "message-refused")}


@once_per_view
def _edges(view: View) -> Mapping[str, tuple[Evidence, ...]]:
    return {what: seen(view, what) for what in BROKER_EDGES}


def _between(view: View, what: str, absence: Absence) -> Evidence | None:
    """The first such change between when the task was last there and when it was missed."""
    edges = (one for one in _edges(view)[what] if absence.after - CLOCKS <= one.at)
    return next((one for one in edges if _not_before(one) < absence.until), None)


def _not_before(edge: Evidence) -> float:
    """A look that began then did not show it yet: what that one missed was lost to something else."""
    return last_looked(edge) if "between" in edge.data else edge.at - AROUND


def _by_a_restart(view: View, absence: Absence) -> Cause | None:
    restarted = _between(view, "broker-restarted", absence)
    return None if restarted is None or _is_kept(restarted, absence) else _of_restart(restarted)


def _by_a_flush(view: View, absence: Absence) -> Cause | None:
    flushed = _between(view, "broker-flushed", absence)
    return None if flushed is None else _flushes(view)[flushed.id]


def _by_eviction(view: View, absence: Absence) -> Cause | None:
    evicted = _between(view, "broker-evicted", absence)
    if evicted is None or not (evicted.text("policy") or "").startswith("allkeys"):
        return None
    words = "the broker was full and evicted the queue"
    return Cause("evicted", "broker", evicted.at, words, facts=(fact(evicted),))


@once_per_view
def _flushes(view: View) -> Mapping[str, Cause]:
    """Made once each: thousands are lost to one."""
    words = "the broker's keys were flushed"
    edges = _edges(view)["broker-flushed"]
    return {one.id: Cause("flushed", one.id, one.at, words, facts=(fact(one),)) for one in edges}


def _with_its_queue(view: View, absence: Absence) -> Cause | None:
    """The queue was deleted, and what stood in it with it; what was published before it was there again led nowhere."""
    edges = (one for one in _edges(view)["broker-queue-deleted"] if one.text("queue") == absence.task.queue)
    earliest, latest = absence.after - CLOCKS, absence.until + REPORTED
    deleted = next((one for one in edges if earliest <= one.at <= latest), None)
    if deleted is None:
        return None
    queue = absence.task.queue
    words = f"the queue {queue} was deleted, with what stood in it"
    return Cause("flushed", deleted.id, deleted.at, words, "likely", (fact(deleted),), queue=queue)


def _is_kept(restarted: Evidence, absence: Absence) -> bool:
    """True where a restart brings back what the broker had: from an append-only file, or from RabbitMQ's disk what it
    had confirmed."""
    if restarted.text("broker") == RABBITMQ.lower():
        return any(mark.inside for mark in absence.task.marks) and not _is_unconfirmed(absence)
    return "aof" in (restarted.text("persistence") or "")


def _by_an_unsynced_end(view: View, absence: Absence) -> Cause | None:
    """An append-only file may lack the last moment, when the whole machine went down."""
    restarted = _between(view, "broker-restarted", absence)
    if restarted is None or not pops(view) or restarted.at - absence.after > UNSYNCED:
        return None
    return _of_restart(restarted)


def _of_restart(restarted: Evidence) -> Cause:
    """A Redis that replied had the message in memory; a RabbitMQ that was not asked to confirm may never have."""
    if restarted.text("broker") == RABBITMQ.lower():
        words = "the broker restarted before it had stored the message, and no confirmation was asked for"
        return Cause("unconfirmed", restarted.id, restarted.at, words, "likely", (fact(restarted),))
    words = "the broker restarted and came back without the message"
    return Cause("flushed", restarted.id, restarted.at, words, facts=(fact(restarted),))


def _with_a_worker(view: View, absence: Absence) -> Cause | None:
    """Popped for a worker that died before it had noted the message as unacknowledged (kombu/transport/redis.py,
    `_brpop_read`, then `QoS.append`)."""
    ends = [one for one in _ends(view) if pops(view) and _may_have_popped(view, one, absence)]
    if not ends:
        return None
    ending = min(ends, key=lambda one: abs(one.at - absence.until))
    death = _death(view, ending)
    shown = (ending.trace.gone, ending.trace.container, _between(view, "broker-refused", absence))
    return Cause(
        "in-socket",
        ending.name,
        ending.at,
        f"given to {ending.name}, which died before it had {_read_or_told(view, ending)}",
        "likely",
        tuple(fact(one) for one in shown if one is not None),
        worker=ending.node,
        caused_by=death.key if death else None,
    )


def _read_or_told(view: View, ending: Ending) -> str:
    """What is missing of its record may tell that it had read the message, and even ended the task."""
    found = tail(view, ending)
    return "read the message" if is_whole(found) else "read the message, or told that it had"


@once_per_view
def _ends(view: View) -> tuple[Ending, ...]:
    return tuple(one for one in endings(view) if one.life is not None)


def _may_have_popped(view: View, ending: Ending, absence: Absence) -> bool:
    """True for one that ended later than it was there, and did not show until then that it had read it."""
    life = ending.life
    earliest = absence.after - (AROUND if ending.inferred else CLOCKS)
    if life is None or ending.at < earliest or not takes_from(life.worker, absence.task.queue):
        return False
    return ending.heir is life or may_have_kept(view, life, absence.until)


def _death(view: View, ending: Ending) -> Death | None:
    return next((one for one in deaths(view) if one.ending is ending), None)


def _by_routing(view: View, absence: Absence) -> Cause | None:
    """Published where no queue is: the broker discards such a message without a word."""
    queue, look = absence.task.queue, view.broker
    if queue is None or look is None or not leads_nowhere(view, absence):
        return None
    words = f"no exchange of the broker leads to the queue {queue}: what is published there is discarded"
    shown = Fact(look.at, "broker", f"no binding leads to {queue}", f"redis-cli SMEMBERS _kombu.binding.{queue}")
    return Cause("unroutable", queue, absence.after, words, "likely", (shown,), queue=queue)


def _with_a_connection(view: View, absence: Absence) -> Cause | None:
    """Popped for a worker whose connection was cut before it had read: it lives, and took the loss with the socket."""
    cut = _cut(view, absence)
    if cut is None or not pops(view):
        return None
    words = f"a worker's connection was lost at {prose.instant(cut.at)} with what had been sent over it unread"
    return Cause("in-socket", cut.id, cut.at, words, "possible", (fact(cut),))


def _cut(view: View, absence: Absence) -> Evidence | None:
    """The first end of connections since it was last there: a silent one keeps what was sent over it until it ends. A
    restart ends them all; it took what was missed before from nowhere else."""
    sighting = view.sightings.get(absence.task.id)
    latest = max(absence.until + EVIDENCE_WITHIN, sighting.looked_at if sighting else 0.0)
    lost = (one for one in _edges(view)["broker-connection-lost"] if absence.after - CLOCKS <= one.at <= latest)
    restarted = (one for one in _edges(view)["broker-restarted"] if absence.until < one.at <= latest)
    return min((*lost, *restarted), key=lambda one: one.at, default=None)


def _by_elimination(view: View, absence: Absence) -> Cause | None:
    """RabbitMQ drops nothing that it has as long as its queue stands; what leads nowhere it confirms too."""
    queue = absence.task.queue
    published = [mark for mark in absence.task.marks if mark.what == "sent" and mark.inside]
    if pops(view) or not published:
        return None
    if _is_unconfirmed(absence) and not _was_given(absence.task):
        words = "published without a confirm, and never seen again: the broker may never have had it"
        return Cause("unconfirmed", queue or "broker", absence.after, words, "likely", queue=queue)
    gave = "gave it to a worker, which did not acknowledge it" if _was_given(absence.task) else "gave it to nobody"
    had = "had" if _is_unconfirmed(absence) else "confirmed"
    words = f"the broker {had} it and {gave}: the queue {queue} was deleted or purged"
    return Cause("flushed", queue or "broker", absence.after, words, "possible", queue=queue)


def _was_given(task: Task) -> bool:
    """True when a worker had it: so had the broker."""
    return any(mark.what == "received" for mark in task.marks)


def _is_unconfirmed(absence: Absence) -> bool:
    return any(mark.what == "sent" and mark.detail == UNCONFIRMED for mark in absence.task.marks)


def _unknown(absence: Absence) -> Cause:
    queue = absence.task.queue
    words = "published, given to nobody, and in no broker key"
    return Cause("unknown", queue or "broker", absence.until, words, "likely", queue=queue)
