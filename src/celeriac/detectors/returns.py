"""What a broker that knows its consumers did with what a dead one had: RabbitMQ gives back at once whatever was not
acknowledged. No message shows its id there, so the record tells which those were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from celeriac.detectors.attendance import attendances
from celeriac.detectors.endings import Ending
from celeriac.model.attempt import AttemptState
from celeriac.model.task import Task
from celeriac.model.view import View

UNTOLD = "RabbitMQ shows no ids, and whether it was acknowledged is not on record"
INFERRED = "RabbitMQ shows no ids, and nobody saw the worker end: it may have it still"


@dataclass(frozen=True, slots=True)
class Returns:
    """A dead worker's open tasks: acknowledged and gone, given back (wherever they went then), or neither is told, for
    the reason in `why`."""

    lost: tuple[Task, ...]
    requeued: tuple[Task, ...]
    unsure: tuple[Task, ...]
    why: str


def returns(view: View, ending: Ending, tasks: Iterable[Task]) -> Returns:
    """What became of `tasks`, which `ending` had."""
    lost, requeued, unsure = [], [], []
    for task in tasks:
        if _is_gone(view, ending, task):
            lost.append(task)
        elif _was_kept(task) and (_is_lost(task) or _reconnected(ending) or not ending.inferred):
            requeued.append(task)
        else:
            unsure.append(task)
    return Returns(tuple(lost), tuple(requeued), tuple(unsure), INFERRED if ending.inferred else UNTOLD)


def _reconnected(ending: Ending) -> bool:
    """True when it may live on, on another connection: a worker says that it is online at each."""
    return ending.inferred and ending.heir is ending.life


def was_acknowledged(task: Task) -> bool:
    """True when its recorder saw it acknowledged before it ran: no broker has it."""
    return task.last is not None and task.last.acknowledged is True


def _is_gone(view: View, ending: Ending, task: Task) -> bool:
    """True for what went with the worker. What the broker kept for it did not, though it stands nowhere now."""
    if _was_kept(task):
        return False
    if _is_lost(task):
        return True
    if was_acknowledged(task):
        return not _reconnected(ending)
    return not ending.inferred and _is_missed(view, ending, task)


def _is_lost(task: Task) -> bool:
    return task.state is AttemptState.LOST


def _is_missed(view: View, ending: Ending, task: Task) -> bool:
    """True when two searches that began after the end saw it nowhere, and nobody can have taken it unheard."""
    found, present = view.sightings.get(task.id), attendances(view).get(task.queue)
    if found is None or found.place is not None or found.unsure or present is None or len(found.absent_at) < 2:
        return False
    return (
        found.absent_at[0] > ending.at
        and found.looked_at <= view.at
        and not present.unheard(ending.at, found.absent_at[0])
    )


def _was_kept(task: Task) -> bool:
    """True when it was not acknowledged: merely prefetched, or acknowledged late."""
    last = task.last
    return last is not None and (last.started_at is None or last.acknowledged is False)
