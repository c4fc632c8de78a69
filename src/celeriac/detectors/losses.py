"""Every loss there is to tell, each with its cause: of tasks that a dead worker had, and of those nobody was given."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors.absences import Absence, Doubt, missing
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.fates import Fate, fates
from celeriac.detectors.loss_causes import Cause, cause_of
from celeriac.detectors.reading import once_per_view
from celeriac.model.attempt import AttemptState
from celeriac.model.finding import finding_key
from celeriac.model.task import Task
from celeriac.model.view import View

KIND = "task-lost"
STANDS = 900.0
"""Seconds after its node lives again for which a death's losses are told."""


@dataclass(frozen=True, slots=True)
class Deathbed:
    """What died with one worker: acknowledged early, and not ended. `death` is None when it is in the past."""

    fate: Fate
    lost: tuple[Task, ...]
    death: Death | None

    @property
    def because(self) -> str:
        """Why each of them is lost."""
        return f"{self.fate.ending.name} had acknowledged it before it ran, and died"

    @property
    def key(self) -> str:
        """The fingerprint of its finding."""
        return finding_key(KIND, self.fate.ending.name)


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
    standing = {id(death.fate): death for death in deaths(view)}
    found = []
    for fate in fates(view):
        death = standing.get(id(fate))
        if fate.lost and (death is not None or _is_recent(view, fate)):
            found.append(Deathbed(fate, fate.lost, death))
    return tuple(found)


def _is_recent(view: View, fate: Fate) -> bool:
    heir = fate.ending.heir
    if heir is None:
        return False
    return view.at - max(heir.worker.first_seen, heir.worker.online_at or 0.0) < STANDS


@once_per_view
def vanished(view: View) -> tuple[Vanished, ...]:
    """The tasks that stand nowhere, by what did it."""
    found: dict[str, list[tuple[Cause, Absence]]] = {}
    for absence in missing(view).absences:
        cause = cause_of(view, absence)
        if cause is None:
            continue
        found.setdefault(f"{cause.slug} {cause.owner}", []).append((cause, absence))
    return tuple(Vanished(had[0][0], tuple(absence for _, absence in had)) for had in found.values())


def doubts(view: View) -> tuple[Doubt, ...]:
    """Tasks of which nobody can say what became of them: missing ones, and those that were with a dead worker."""
    known = {task.id: task for task in view.tasks}
    found = list(missing(view).doubts)
    for fate in fates(view):
        why = fate.blind_spots[0].why if fate.blind_spots else "it may have been given back and taken again"
        because = f"{fate.ending.name} had it and died: {why}"
        found += [Doubt(known[one], because) for one in fate.unsure if one in known]
    return tuple(one for one in found if one.task.state is not AttemptState.LOST)
