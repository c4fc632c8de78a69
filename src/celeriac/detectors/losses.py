"""Every loss there is to tell, each with its cause: of tasks that a dead worker had, and of those nobody was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from celeriac.detectors.absences import Absence, Doubt, declared, judge_missing, missing
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.dropped import dropped
from celeriac.detectors.endings import Ending
from celeriac.detectors.fates import Fate, fates
from celeriac.detectors.loss_causes import Cause, cause_of, forgotten, was_kept
from celeriac.detectors.reading import once_per_view
from celeriac.model.attempt import AttemptState
from celeriac.model.finding import finding_key
from celeriac.model.sighting import Sighting
from celeriac.model.task import Task
from celeriac.model.view import View

KIND = "task-lost"
TOLD_AFTER = 3.0
"""Seconds between an end that was seen and the next life, after which the death has told its losses."""
STANDS = 900.0
"""Seconds after its node lives again for which a death's losses are told."""


@dataclass(frozen=True, slots=True)
class Deathbed:
    """What died with one worker: acknowledged early, and not ended. `death` is None when it is in the past."""

    fate: Fate
    lost: tuple[Task, ...]
    death: Death | None

    @property
    def was_told(self) -> bool:
        """True when the death itself stood for long enough to tell of it: what is past and known wakes nobody."""
        heir, ending = self.fate.ending.heir, self.fate.ending
        if heir is None or ending.inferred:
            return False
        return max(heir.worker.first_seen, heir.worker.online_at or 0.0) - ending.at >= TOLD_AFTER

    @property
    def because(self) -> str:
        """Why each of them is lost."""
        return because_of(self.fate.ending)

    @property
    def key(self) -> str:
        """The fingerprint of its finding."""
        return finding_key(KIND, self.fate.ending.name)


def because_of(ending: Ending) -> str:
    """Why what died with a worker is lost."""
    return f"{ending.name} had acknowledged it before it ran, and died"


@dataclass(frozen=True, slots=True)
class Vanished:
    """What one event made vanish before anybody was given it."""

    cause: Cause
    absences: tuple[Absence, ...]

    @property
    def key(self) -> str:
        """The fingerprint of its finding."""
        return finding_key(KIND, f"{self.cause.slug} {self.cause.owner}")


@once_per_view
def deathbeds(view: View) -> tuple[Deathbed, ...]:
    """The losses of each standing death, and of those that the next life of the node has put into the past."""
    found = []
    for fate, death in _told(view):
        lost = tuple(task for task in fate.lost or () if _forgotten(view, fate, task) is None)
        if lost:
            found.append(Deathbed(fate, lost, death))
    return tuple(found)


@once_per_view
def _told(view: View) -> tuple[tuple[Fate, Death | None], ...]:
    standing = {id(death.fate): death for death in deaths(view)}
    found = ((fate, standing.get(id(fate))) for fate in fates(view) if fate.lost)
    return tuple((fate, death) for fate, death in found if death is not None or _is_recent(view, fate))


def _forgotten(view: View, fate: Fate, task: Task) -> Cause | None:
    """What made the broker lose it while the worker had it; None for what was declared lost with the worker."""
    if task.ending is not None and task.ending.text == because_of(fate.ending):
        return None
    return forgotten(view, _with_the_dead(view, fate, task))


def _with_the_dead(view: View, fate: Fate, task: Task) -> Absence:
    """A task that a worker had taken, and with which it died: missed since a search, or the look, that shows it
    nowhere. When it was published it was there; a receiver's clock may be wrong."""
    last, sighting = task.last, view.sightings.get(task.id)
    after = (last.published_at if last else None) or task.published_at or task.updated_at
    seen = (sighting.seen_at if sighting else None) or 0.0
    missed = _missed_since(task, sighting) or max(fate.ending.at, view.broker.at if view.broker else 0.0)
    return Absence(task, max(after, seen), missed, told=True)


def _missed_since(task: Task, sighting: Sighting | None) -> float | None:
    """When a search first missed it that began after it was taken: before that it may have been in a socket."""
    heard = max((mark.at for mark in task.marks if mark.what != "lost"), default=0.0)
    begun = (sighting.absent_since, *sighting.absent_at) if sighting else ()
    return next((at for at in begun if at is not None and at > heard), None)


def _is_recent(view: View, fate: Fate) -> bool:
    heir = fate.ending.heir
    if heir is None:
        return False
    return view.at - max(heir.worker.first_seen, heir.worker.online_at or 0.0) < STANDS


@once_per_view
def vanished(view: View) -> tuple[Vanished, ...]:
    """The tasks that stand nowhere, by what did it: nobody was given them, or the broker lost what a worker had not
    acknowledged before it died."""
    found: dict[str, list[tuple[Cause, Absence]]] = {}
    for fate, _ in _told(view):
        for task in fate.lost or ():
            cause = _forgotten(view, fate, task)
            if cause is not None:
                found.setdefault(f"{cause.slug} {cause.owner}", []).append((cause, _with_the_dead(view, fate, task)))
    for absence in (*missing(view).absences, *_returned(view)):
        cause = cause_of(view, absence)
        if cause is None:
            continue
        found.setdefault(f"{cause.slug} {cause.owner}", []).append((cause, absence))
    return tuple(Vanished(had[0][0], tuple(absence for _, absence in had)) for had in found.values())


def _returned(view: View) -> Iterator[Absence]:
    """Tasks that a worker had before it died or dropped them, that may have been given back, and stand nowhere now."""
    return (one for one in _unsure(view).values() if isinstance(one, Absence))


@once_per_view
def _unsure(view: View) -> Mapping[str, Absence | Doubt | None]:
    known = {task.id: task for task in view.tasks}
    ids = [one for fate in fates(view) for one in (*fate.unsure, *(task.id for task in fate.requeued))]
    ids += [task.id for task in dropped(view)]
    found = (known[one] for one in ids if one in known and was_kept(known[one]))
    return {
        task.id: declared(view, task) if task.state is AttemptState.LOST else judge_missing(view, task)
        for task in found
    }


def doubts(view: View) -> tuple[Doubt, ...]:
    """Tasks of which nobody can say what became of them: missing ones, those that were with a dead worker, and those
    that were given back and stand nowhere, though somebody may have taken them unheard."""
    known = {task.id: task for task in view.tasks}
    found = list(missing(view).doubts)
    for fate in fates(view):
        why = fate.blind_spots[0].why if fate.blind_spots else "it may have been given back and taken again"
        ended = "may have died" if fate.ending.inferred else "died"
        because = f"{fate.ending.name} had it and {ended}: {why}"
        asked = [one for one in fate.unsure if one in known and not isinstance(_unsure(view).get(one), Absence)]
        found += [Doubt(known[one], because) for one in asked]
    found += [
        one for one in _unsure(view).values() if isinstance(one, Doubt) and not view.sightings[one.task.id].unsure
    ]
    return tuple(one for one in found if one.task.state is not AttemptState.LOST)
