"""The last moment of a recorded worker that was killed: what it had noted and could not hand over."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors import prose
from celeriac.detectors.endings import Ending
from celeriac.detectors.traces import is_from_box, last_looked, mains_gone
from celeriac.model.event import RECORDED
from celeriac.model.finding import Fact
from celeriac.model.view import View
from celeriac.model.worker import Worker

CLOCKS = 1.0
"""Seconds by which that is not exact."""
SHIPS_EVERY = 0.1
"""Seconds between two shipments of a recorder that has news (celeriac/worker/recorder.py)."""


@dataclass(frozen=True, slots=True)
class Tail:
    """`missing` is how many of its items never came; None when no black box told how far it had counted."""

    missing: int | None
    fact: Fact


def tail(view: View, ending: Ending) -> Tail | None:
    """None for a worker that was not recorded from inside, and for one that took its leave."""
    worker = ending.life.worker if ending.life else None
    if worker is None or worker.recorded_at is None or ending.goodbye_at is not None:
        return None
    missing = _missing(view, worker)
    return Tail(missing, Fact(ending.at, "worker", _words(missing), "celeriac status"))


def is_whole(found: Tail | None) -> bool:
    """True when no end can hide in it."""
    return found is None or found.missing == 0


def _missing(view: View, worker: Worker) -> int | None:
    """Its black box tells of it, and the account of its numbers says how much of that came."""
    began = worker.first_seen - _skew(worker) - CLOCKS
    boxes = [one for one in mains_gone(view, worker) if is_from_box(one) and last_looked(one) >= began]
    if not boxes:
        return None
    own = [gap for gap in view.gaps if (gap.source, gap.worker, gap.pid) == (RECORDED, worker.node, worker.pid)]
    killed = [gap for gap in own if gap.cause == "killed" and gap.until >= began]
    return sum(gap.size or 0 for gap in killed)


def _skew(worker: Worker) -> float:
    """Seconds by which our clock is ahead of its: a box is dated by its own, and so are holes."""
    return worker.heartbeat_seen - worker.heartbeat_at if worker.heartbeat_at else 0.0


def _words(missing: int | None) -> str:
    if missing == 0:
        return "its record is whole to its last moment: its black box says so"
    if missing is None:
        return f"its record may lack its last {SHIPS_EVERY:g} s: no black box was found that tells how far it had come"
    return f"the last {prose.count(missing, 'event')} of its record never left it: a task that ended in them looks lost"
