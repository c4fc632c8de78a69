"""What a death cost, all consequences together: the totals its incident carries, and their words."""

from __future__ import annotations

from celeriac.detectors import commands, prose
from celeriac.detectors.attendance import pops
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.fates import Fate, held_until, look_after, names_of
from celeriac.detectors.liveness import living
from celeriac.detectors.strays import strays
from celeriac.model.attempt import AttemptState
from celeriac.model.broker import Held
from celeriac.model.finding import Impact
from celeriac.model.queue import Queue
from celeriac.model.view import View

WINDOW = 60.0
LEAST_WINDOW = 4.0
RETURNED = 6.0
"""Seconds after a death in which a broker that gives back what was held has done so, and a look has seen it."""


def held_by(view: View, death: Death) -> tuple[Held, ...]:
    """Messages this death keeps from running; what no event ties to a worker goes to the oldest death that stands."""
    first = deaths(view)[:1]
    return (*death.fate.held, *strays(view).held) if first and first[0] is death else death.fate.held


def held_count(view: View, death: Death) -> int:
    """How many messages are held: all that are delivered, where nobody lives to hold them otherwise."""
    listed = len(held_by(view, death))
    look = view.broker
    if living(view) or look is None or look.held_count is None or not listed or len(deaths(view)) > 1:
        return listed
    return max(listed, look.held_count)


def impact(view: View, death: Death) -> Impact:
    """The totals over the death's consequences."""
    fate, held = death.fate, held_by(view, death)
    look = look_after(view, (death.ending,))
    seen = look is not None and (look.held is not None or not (pops(view) or death.ending.inferred))
    waiting = sum(queue.latest.ready for queue in death.queues)
    return Impact(
        lost=None if fate.lost is None else tuple(task.id for task in fate.lost),
        held=tuple(one.task_id or one.tag for one in held) if seen else None,
        requeued=_requeued(view, fate),
        unknown=fate.unsure,
        waiting=waiting if view.broker is not None else None,
        task_names=names_of((*(fate.lost or ()), *fate.requeued, *held)),
        held_until=held_until(view, held, death.ending),
        held_count=held_count(view, death) if seen else None,
    )


def words(view: View, death: Death) -> str:
    """`; 1 task lost, 4 held until 11:02Z; nobody consumes celery, 1,487 waiting and growing 5/s`; "" without cost."""
    cost = impact(view, death)
    tasks = [
        prose.count(len(cost.lost), "task") + " lost" if cost.lost else "",
        _held_words(cost),
        f"{prose.number(len(cost.requeued))} given back" if cost.requeued else "",
        f"{prose.count(len(cost.unknown), 'task')} of unknown fate" if cost.unknown else "",
    ]
    parts = [", ".join(filter(None, tasks)), _queue_words(view, death)]
    return "".join(f"; {part}" for part in parts if part)


def growth(view: View, queue: Queue, since: float) -> float | None:
    """Messages per second that the queue gained since `since`, at most over the last minute; None while what came back
    from the dead could be taken for new."""
    if commands.gives_back(queue):
        since += RETURNED
        if queue.latest.at - since < LEAST_WINDOW:
            return None
    seen = queue.latest.at - queue.samples[0].at
    return queue.growth(max(LEAST_WINDOW, min(WINDOW, view.at - since, seen)))


def growing(view: View, queue: Queue, since: float) -> str:
    """` and growing 5/s`, "" when it does not grow or that was not seen."""
    gained = growth(view, queue, since)
    return f" and growing {prose.rate(gained)}" if gained is not None and gained > 0.01 else ""


def _requeued(view: View, fate: Fate) -> tuple[str, ...] | None:
    """None where a broker that gives back by itself may have given back what no record names."""
    found = tuple(task.id for task in fate.requeued if task.state is not AttemptState.LOST)
    return None if not found and fate.lost is None and not pops(view) else found


def _held_words(cost: Impact) -> str:
    if not cost.held:
        return ""
    until = f" until {prose.clock(cost.held_until)}" if cost.held_until is not None else ""
    return f"{prose.number(cost.held_count or len(cost.held))} held{until}"


def _queue_words(view: View, death: Death) -> str:
    if not death.queues:
        return ""
    names = prose.names([queue.name for queue in death.queues])
    waiting = sum(queue.latest.ready for queue in death.queues)
    grows = growing(view, death.queues[0], death.ending.at) if len(death.queues) == 1 else ""
    return f"nobody consumes {names}" + (f", {prose.number(waiting)} waiting{grows}" if waiting else "")
