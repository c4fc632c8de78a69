"""Who takes work from which queue: a queue is unserved only when that can be known."""

from __future__ import annotations

from celeriac.detectors.endings import Ending
from celeriac.detectors.liveness import Life, Standing, lives
from celeriac.detectors.traces import is_ended, seen
from celeriac.model.evidence import Evidence
from celeriac.model.queue import Queue
from celeriac.model.view import View

LISTENS = 2
"""Connections on which one worker listens, at most: for remote control, and for the others' events (gossip)."""


def consumed(view: View, queue: Queue) -> bool | None:
    """True when somebody takes from `queue`, False when nobody does, None when that cannot be known."""
    if disconnected(view) or (queue.samples and queue.latest.consumers == 0):
        return False
    answers = [_takes(life, queue.name) for life in lives(view)]
    if True in answers or set(queue.consumers or ()) - {worker.node for worker in view.workers}:
        return True
    return None if None in answers or _unheard_may_live(view) else False


def idle_since(queue: Queue) -> float:
    """Unix seconds since when the queue has had something ready, as far back as was looked."""
    since = queue.latest.at
    for sample in reversed(queue.samples):
        if sample.ready == 0:
            break
        since = sample.at
    return since


def unserved(view: View, ending: Ending) -> tuple[Queue, ...]:
    """The queues that this end left without anybody, deepest first."""
    return tuple(queue for queue in served(view, ending) if consumed(view, queue) is False)


def served(view: View, ending: Ending) -> tuple[Queue, ...]:
    """The queues the worker took from; while that was never said, all that nobody takes from now."""
    known = ending.life.worker.queues if ending.life else None
    found = [
        queue
        for queue in view.queues
        if queue.samples
        and not queue.aside
        and (queue.name in known if known is not None else not _others_take(view, queue))
    ]
    return tuple(sorted(found, key=lambda queue: (-queue.latest.ready, queue.name)))


def work_waits(view: View) -> bool:
    """True when a message waits anywhere, or is held by somebody."""
    look = view.broker
    held = bool(look and (look.held or look.held_count))
    return held or any(queue.samples and queue.latest.ready > 0 for queue in view.queues)


def _others_take(view: View, queue: Queue) -> bool:
    return consumed(view, queue) is not False


def _takes(life: Life, queue: str) -> bool | None:
    """Whether this life takes from `queue`; None when either cannot be told."""
    takes = life.takes_work if life.standing not in (Standing.LEFT, Standing.ENDED) else False
    if takes is False:
        return False
    if life.worker.queues is None:
        return None
    return takes if queue in life.worker.queues else False


def disconnected(view: View) -> bool:
    """True when the broker shows no connection that could be a worker's."""
    look = view.broker
    if look is None or look.consumers is None:
        return False
    return not any(one.waiting or one.subscribed for one in look.consumers)


def all_heard(view: View) -> bool:
    """True when the lives we know explain every connection that listens at the broker."""
    look = view.broker
    if look is None or look.consumers is None:
        return False
    speaking = sum(life.standing is Standing.ALIVE for life in lives(view))
    return sum(one.subscribed for one in look.consumers) <= LISTENS * speaking and (speaking > 0 or disconnected(view))


def _unheard_may_live(view: View) -> bool:
    """True while a worker we never heard may be there, busy: something is connected that nothing we know explains."""
    if view.workers or any(_is_remains(one) for one in seen(view, "container")):
        return False
    look = view.broker
    return look is None or look.consumers is None or any(one.waiting or one.subscribed for one in look.consumers)


def _is_remains(container: Evidence) -> bool:
    return bool(container.data.get("worker")) and is_ended(container)
