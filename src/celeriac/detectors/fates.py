"""What an end did to the tasks the worker had: lost, held, given back, or not to be known; and whose the held are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from celeriac.detectors.attendance import pops
from celeriac.detectors.deliveries import deliveries, hearsay_of, open_on
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.liveness import Life, Standing, began, lives
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.returns import returns
from celeriac.model.broker import BrokerLook, Held
from celeriac.model.finding import BlindSpot, Confidence
from celeriac.model.task import Task
from celeriac.model.view import View

VISIBILITY_TIMEOUT = 3600.0
"""Kombu's default (kombu/transport/redis.py), assumed where no worker said otherwise."""
SETTLED_AFTER = 30.0
"""Seconds a message must have been delivered before its absence from every claim means anything."""
DRAINS_FOR = 60.0
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


@dataclass(frozen=True, slots=True)
class Strays:
    """Held messages that no event ties to a worker, and how sure it is that a dead consumer holds them."""

    held: tuple[Held, ...] = ()
    confidence: Confidence = "possible"


@once_per_view
def fates(view: View) -> tuple[Fate, ...]:
    """The fate of every end's tasks, in the order of `endings`."""
    return tuple(fate_of(view, ending) for ending in endings(view))


@once_per_view
def strays(view: View) -> Strays:
    """Held messages whose consumer is dead though no event says whose they were."""
    look = _look_after(view, endings(view))
    if look is None or look.held is None:
        return Strays()
    owned = _owned(view)
    free = tuple(one for one in look.held if one.task_id not in owned)
    holders = [life for life in lives(view) if _can_hold(life)]
    if not holders:
        return _of_the_dead(view, look, free)
    starts = [began(life) for life in holders]
    first = min((start for start in starts if start is not None), default=None)
    if first is not None and None not in starts:
        older = tuple(one for one in free if one.since is not None and one.since < first - CLOCKS_AGREE)
        if older:
            return Strays(older, "certain" if _is_proven(view, look, older, holders) else "likely")
    return _unclaimed(view, free, holders)


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
    look = _look_after(view, (ending,))
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


def _look_after(view: View, ends: Iterable[Ending]) -> BrokerLook | None:
    """The newest look, if it began after all of `ends`: an earlier one shows what was still to be given back."""
    look = view.broker
    latest = max((ending.at for ending in ends if ending.heir is None), default=None)
    return look if look is not None and (latest is None or look.at >= latest) else None


def _owned(view: View) -> frozenset[str | None]:
    """Ids whose newest delivery is on record: their owner is known, dead or alive."""
    return frozenset(task.id for task, last in deliveries(view) if last.received_at is not None)


def _can_hold(life: Life) -> bool:
    if life.standing is Standing.LEFT:
        return life.trace.process is not None or life.silence < DRAINS_FOR
    return life.standing is not Standing.ENDED


def _of_the_dead(view: View, look: BrokerLook, free: tuple[Held, ...]) -> Strays:
    """Nobody lives here; somebody we never heard may, unless the broker shows no connection or the dead are known."""
    alone = look.consumers is not None and not any(one.subscribed or one.waiting for one in look.consumers)
    if alone:
        return Strays(free, "certain" if _is_proven(view, look, free, []) else "likely")
    return Strays(free, "likely") if endings(view) else Strays()


def _is_proven(view: View, look: BrokerLook, found: Iterable[Held], holders: Sequence[Life]) -> bool:
    """True when each can only be of the dead: every end was seen, one of those that ended lived when it was delivered,
    none of the living did, and nobody is connected who was never heard."""
    ends = endings(view)
    births = [_born(life) for life in holders]
    return (
        not any(ending.inferred for ending in ends)
        and _all_known(look, holders)
        and all(_lived_at(ends, one.since) and not _may_precede(births, one.since) for one in found)
    )


def _lived_at(ends: Iterable[Ending], at: float | None) -> bool:
    spans = ((began(ending.life) or 0.0, ending.at) for ending in ends if ending.life is not None)
    return at is not None and any(born - CLOCKS_AGREE <= at <= end + CLOCKS_AGREE for born, end in spans)


def _may_precede(births: Iterable[float | None], at: float | None) -> bool:
    return any(born is None or at is None or born - CLOCKS_AGREE <= at for born in births)


def _born(life: Life) -> float | None:
    """Unix seconds of its birth, None when that was not seen. It says that it is online at each connection, so only
    one that was never heard before was born then."""
    if life.trace.process is not None:
        return life.trace.process.number("started")
    online = life.worker.online_at
    return online if online is not None and online <= life.worker.first_seen + CLOCKS_AGREE else None


def _all_known(look: BrokerLook, holders: Iterable[Life]) -> bool:
    """True when nobody takes messages who was never heard: each that does has one connection that blocks for them."""
    speaking = sum(life.standing is Standing.ALIVE for life in holders)
    return look.consumers is not None and sum(one.waiting for one in look.consumers) <= speaking


def _unclaimed(view: View, free: tuple[Held, ...], holders: list[Life]) -> Strays:
    """Messages no living worker names when asked. A rate-limited one waits in none of a worker's lists (FAILURE-MODES
    F35), so this alone is never more than possible; with a death on record it is likely."""
    asked = [life.worker.asked_at for life in holders if life.worker.claims is not None]
    answered = [at for at in asked if at is not None]
    if len(answered) < len(holders) or not answered:
        return Strays()
    claimed = {claim.task_id for life in holders for claim in life.worker.claims or ()}
    until = min(min(answered) - CLOCKS_AGREE, view.at - SETTLED_AFTER)
    found = tuple(one for one in free if one.since is not None and one.since < until and one.task_id not in claimed)
    return Strays(found, "likely" if endings(view) else "possible")
