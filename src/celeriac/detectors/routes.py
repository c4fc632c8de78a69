"""Whether what is published to a queue leads anywhere: bindings, and what shows that messages came there."""

from __future__ import annotations

from celeriac.detectors.absences import Absence
from celeriac.detectors.attendance import takes_from
from celeriac.detectors.liveness import Standing, began, lives
from celeriac.detectors.looks import was_filled
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import seen
from celeriac.model.view import View

AROUND = 2.0
"""Seconds that bindings may have gone before the look that saw it."""
WIPES = ("broker-restarted", "broker-flushed", "broker-evicted")
"""What takes the bindings of an exchange along."""


def leads_nowhere(view: View, absence: Absence) -> bool:
    """True when it is proven that the task was discarded: the bindings as they were at its publish name no such queue,
    nobody consumes it, and nothing came there. Celery publishes to most queues past any exchange, without a binding
    (celery/app/amqp.py, `send_task_message`; kombu/transport/virtual/base.py, `_lookup`)."""
    queue, look = absence.task.queue, view.broker
    if queue is None or look is None or look.bound is None or queue in look.bound:
        return False
    return _bindings_stood(view, absence) and not _is_used(view, queue, absence)


def bindings_are_old(view: View, absence: Absence) -> bool:
    """True when they were read before the publish: a worker may have bound its queue since."""
    look = view.broker
    return look is not None and look.bound is not None and (look.bound_at or 0.0) <= absence.after


def _bindings_stood(view: View, absence: Absence) -> bool:
    """True when they were read after the publish, and nothing took them away in between."""
    read = (view.broker.bound_at if view.broker else None) or 0.0
    return absence.after < read and not any(absence.after <= at <= read + AROUND for at in _wipes(view))


def _is_used(view: View, queue: str, absence: Absence) -> bool:
    """True when messages come there: this one was seen in it, or others were since bindings were last lost, or a worker
    that lives takes from it."""
    sighting = view.sightings.get(absence.task.id)
    if sighting is not None and sighting.seen_at is not None:
        return True
    wiped = max((at for at in _wipes(view) if at <= absence.after), default=0.0)
    return was_filled(view, queue, wiped) or _is_consumed(view, queue, absence.until)


def _is_consumed(view: View, queue: str, at: float) -> bool:
    present = (life for life in lives(view) if life.standing is not Standing.ENDED and (began(life) or 0.0) <= at)
    return any(takes_from(life.worker, queue) for life in present)


@once_per_view
def _wipes(view: View) -> tuple[float, ...]:
    return tuple(one.at for what in WIPES for one in seen(view, what))
