"""Which missing tasks stand nowhere any more, and of which that cannot be said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from celeriac.detectors.attendance import Attendance, attendances, heard_at
from celeriac.detectors.reading import once_per_view
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.sighting import Sighting
from celeriac.model.task import Task
from celeriac.model.view import View

CLOCKS = 0.5
"""Seconds by which a producer's clock may run ahead of ours."""
PATIENCE = 10.0
"""Seconds after the second search in which a living worker should have shown that its socket is empty."""
AGAIN = frozenset({AttemptState.PUBLISHED, AttemptState.QUEUED, AttemptState.RETRIED, AttemptState.REJECTED})
"""Where a task stands that nobody has taken yet, or that was to be delivered again."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A task that stands nowhere. It was last heard of or seen at `after`, and missed first by a search that began at
    `until`. `told` is true when its loss was declared before."""

    task: Task
    after: float
    until: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A missing task of which nobody can say where it is, and why not."""

    task: Task
    because: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The judgement over all suspects."""

    absences: tuple[Absence, ...]
    doubts: tuple[Doubt, ...]


@once_per_view
def missing(view: View) -> Missing:
    """Every suspect that can be judged, and every loss of an undelivered task that was declared of late."""
    judged = [*(_judge(view, task) for task in view.suspects), *_declared(view)]
    absences = tuple(one for one in judged if isinstance(one, Absence))
    return Missing(absences, tuple(one for one in judged if isinstance(one, Doubt)))


def _judge(view: View, task: Task) -> Absence | Doubt | None:
    """None while it is too early to say, and for a task that somebody took: its end tells of that one."""
    return judge_missing(view, task) if task.id in view.sightings and _awaits_delivery(task) else None


def judge_missing(view: View, task: Task) -> Absence | Doubt | None:
    """What the searches say of a task, whoever had it; None while it is too early to say."""
    sighting, present = view.sightings.get(task.id), attendances(view).get(task.queue)
    if sighting is None or present is None:
        return None
    if sighting.unsure:
        return Doubt(task, sighting.unsure)
    until = _missed_since(task, sighting)
    if until is None or sighting.looked_at > view.at:
        return None
    after = max(heard_at(view, task), sighting.seen_at or 0.0)
    return _unless_taken(present, Absence(task, after, until), view.at - sighting.looked_at)


def _awaits_delivery(task: Task) -> bool:
    """True for one that was only published, as most suspects are: their history needs no folding."""
    return all(mark.what == "sent" for mark in task.marks) or task.state in AGAIN


def _missed_since(task: Task, sighting: Sighting) -> float | None:
    """When the first began of at least two searches that missed it after it was last heard of."""
    if sighting.place is not None or len(sighting.absent_at) < 2:
        return None
    begun = (sighting.absent_since, sighting.absent_at[0])
    return next((at for at in begun if at is not None and at > task.updated_at + CLOCKS), None)


def _unless_taken(present: Attendance, absence: Absence, age: float) -> Absence | Doubt | None:
    """The absence, unless a worker may have the task after all: in its socket, or at work on it unheard."""
    unheard = present.unheard(absence.after, absence.until)
    if unheard:
        return Doubt(absence.task, unheard)
    holders = [one for one in present.holders if one.may_hold(absence.until)]
    reason = next((one.reason for one in holders if one.reason), None)
    if reason is not None:
        return Doubt(absence.task, f"it may be in the socket of {reason}")
    if not holders:
        return absence
    if age < PATIENCE:
        return None
    return Doubt(absence.task, f"it may be in the socket of {holders[0].node}, which was not heard since")


def _declared(view: View) -> Iterator[Absence]:
    for task in view.tasks:
        last = task.last
        if last is not None and last.state is AttemptState.LOST and not _was_taken(last):
            yield declared(view, task)


def declared(view: View, task: Task) -> Absence:
    """The absence of a task whose loss was declared: when it was first missed is not always on record any more."""
    sighting = view.sightings.get(task.id)
    after = heard_at(view, task)
    until = sighting.absent_since if sighting and sighting.absent_since else view.at
    seen = sighting.seen_at if sighting and sighting.seen_at else 0.0
    return Absence(task, max(after, seen), max(until, after), told=True)


def _was_taken(last: Attempt) -> bool:
    return last.received_at is not None or last.started_at is not None
