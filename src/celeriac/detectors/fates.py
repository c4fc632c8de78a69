"""What an end did to the tasks the worker had: lost, held, given back, or not to be known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from celeriac.detectors.attendance import pops
from celeriac.detectors.deliveries import hearsay_of, open_on
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.returns import returns
from celeriac.model.broker import BrokerLook, Held
from celeriac.model.finding import BlindSpot
from celeriac.model.task import Task
from celeriac.model.view import View

VISIBILITY_TIMEOUT = 3600.0
"""Kombu's default (kombu/transport/redis.py), assumed where no worker said otherwise."""
CLOCKS_AGREE = 2.0
_LOST_ADDS = "the ids of tasks that were running and acknowledged early: they stand in no broker key"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one end's tasks. `lost` is None when it could not be known, for the reason in `blind_spots`;
    `unsure` are tasks that were with it and whose fate nothing tells, `requeued` those that the broker gave back."""

    ending: Ending
    lost: tuple[Task, ...] | None
    held: tuple[Held, ...]
    unsure: tuple[str, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()
    requeued: tuple[Task, ...] = ()

    @property
    def surely_ran(self) -> bool:
        """True when every lost task was seen to start; one merely received may have started unheard."""
        return all(_ran(task) for task in self.lost or ())


@once_per_view
def fates(view: View) -> tuple[Fate, ...]:
    """The fate of every end's tasks, in the order of `endings`."""
    return tuple(fate_of(view, ending) for ending in endings(view))


def visibility_timeout(view: View, ending: Ending | None = None) -> tuple[float, bool]:
    """Seconds until a held message returns, and whether a worker said so (else kombu's default is assumed).

    The shortest among the apps on one database is what counts (FAILURE-MODES F20).
    """
    said = [worker.visibility_timeout for worker in view.workers if worker.visibility_timeout is not None]
    own = ending.life.worker.visibility_timeout if ending and ending.life else None
    if own is not None:
        return own, True
    return (min(said), True) if said else (VISIBILITY_TIMEOUT, False)


def held_until(view: View, held: Iterable[Held], ending: Ending | None = None) -> float | None:
    """Unix seconds by when the last of `held` may be delivered again."""
    since = max((one.since for one in held if one.since is not None), default=None)
    return None if since is None else since + visibility_timeout(view, ending)[0]


def names_of(tasks: Iterable[Task | Held]) -> tuple[tuple[str, int], ...]:
    """How many of each task name, most first."""
    counts = Counter(task.name for task in tasks if task.name)
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def fate_of(view: View, ending: Ending) -> Fate:
    """What became of one end's tasks."""
    look = look_after(view, (ending,))
    tasks = _open_tasks(view, ending)
    if look is not None and not pops(view):
        return _given_back(view, ending, tasks)
    held_ids = {one.task_id: one for one in (look.held or () if look else ())}
    held = tuple(
        held_ids[task.id] for task in tasks if task.id in held_ids and _was_its(held_ids[task.id], task, ending)
    )
    returned = tuple(task for task in tasks if task.id not in held_ids and _went_back(ending, task))
    missing = tuple(task for task in tasks if task.id not in held_ids and task not in returned)
    if look is None or look.held is None or (missing and not look.held_complete):
        unseen = BlindSpot("lost tasks", "the broker's held messages were not all read", "which tasks are lost")
        return Fate(ending, None, held, tuple(task.id for task in missing), (unseen,))
    spots = _unrecorded(view, ending)
    if spots:
        claimed = _running_when_asked(ending)
        unsure = tuple(one for one in claimed if one not in held_ids)
        return Fate(ending, missing or None, held, () if missing else unsure, spots)
    aged = tuple(task for task in missing if _may_have_returned(view, ending, task))
    lost = tuple(task for task in missing if task not in aged)
    return Fate(ending, lost, held, tuple(task.id for task in aged), _incomplete(view), returned)


def _given_back(view: View, ending: Ending, tasks: tuple[Task, ...]) -> Fate:
    """On RabbitMQ the dead hold nothing; what they had acknowledged is gone."""
    told, spots = returns(view, ending, tasks), _unrecorded(view, ending)
    unsure = tuple(task.id for task in told.unsure)
    if spots:
        return Fate(ending, told.lost or None, (), unsure or _running_when_asked(ending), spots, told.requeued)
    untold = (BlindSpot("lost tasks", told.why, "which tasks are lost; install the recorder"),) if unsure else ()
    lost = told.lost or (None if unsure else ())
    return Fate(ending, lost, (), unsure, (*untold, *_incomplete(view)), told.requeued)


def _was_its(one: Held, task: Task, ending: Ending) -> bool:
    """False for a delivery at another time than the one it took, or after its end: somebody else has it now, unheard.
    A keepalive moves that time on while the worker lives."""
    taken = task.last.received_at if task.last is not None else None
    room = ending.life.worker.room if ending.life is not None else None
    kept = room is not None and room.keeps
    until = ending.at if taken is None or kept else min(ending.at, taken)
    return one.since is None or one.since <= until + CLOCKS_AGREE


def _open_tasks(view: View, ending: Ending) -> tuple[Task, ...]:
    told = hearsay_of(view, ending.node) if ending.heir is None else ()
    if ending.life is None:
        return told
    worker = ending.life.worker
    before = (worker.online_at or worker.first_seen) if ending.heir is ending.life else inf
    return (*open_on(view, worker.node, worker.pid, before), *told)


def _went_back(ending: Ending, task: Task) -> bool:
    """A worker that says goodbye gives what it had not started back to the queue (kombu's channel restores it)."""
    return ending.goodbye_at is not None and not _ran(task)


def _ran(task: Task) -> bool:
    last = task.last
    return last is not None and last.started_at is not None


def _may_have_returned(view: View, ending: Ending, task: Task) -> bool:
    last = task.last
    if last is None or last.started_at is not None or last.received_at is None:
        return False
    return view.at - last.received_at > visibility_timeout(view, ending)[0]


def _unrecorded(view: View, ending: Ending) -> tuple[BlindSpot, ...]:
    """Why the record cannot name what was running; empty when it can."""
    hearsay = ending.heir is None and bool(hearsay_of(view, ending.node))
    if not hearsay and (not view.history or ending.life is None):
        return (BlindSpot("lost tasks", "nothing was watching when it died", _LOST_ADDS),)
    if not hearsay and ending.life is not None and ending.life.worker.task_event_seen is None:
        return (
            BlindSpot(
                "lost tasks",
                "no task event came from it (it ran without -E, or died before it sent them, as a solo pool does)",
                _LOST_ADDS,
            ),
        )
    return ()


def _incomplete(view: View) -> tuple[BlindSpot, ...]:
    if view.tasks_complete:
        return ()
    return (BlindSpot("lost tasks", "more tasks are open than are judged at once", "the rest of the lost tasks"),)


def _running_when_asked(ending: Ending) -> tuple[str, ...]:
    claims = ending.life.worker.claims if ending.life else None
    return tuple(claim.task_id for claim in claims or () if claim.state == "active")


def look_after(view: View, ends: Iterable[Ending]) -> BrokerLook | None:
    """The newest look, if it began after all of `ends`: an earlier one shows what was still to be given back."""
    look = view.broker
    latest = max((ending.at for ending in ends if ending.heir is None), default=None)
    return look if look is not None and (latest is None or look.at >= latest) else None
