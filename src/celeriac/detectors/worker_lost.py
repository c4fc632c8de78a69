"""worker-lost: a worker's main process ended without a goodbye, and memory was not it."""

from __future__ import annotations

from celeriac.detectors import remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.causes import Cause
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.main_loops import loops_of_mains
from celeriac.detectors.paging import paging
from celeriac.detectors.ruled_out import ruled_out
from celeriac.detectors.testimony import testimony
from celeriac.detectors.toll import impact, words
from celeriac.model.finding import BlindSpot, Finding, Fix, Impact, Prevent, Severity, Subject
from celeriac.model.view import View

KIND = "worker-lost"


def judge(view: View) -> tuple[Finding, ...]:
    """Every death that stands and was not for memory; one that happens again and again is `worker-crash-loop`."""
    looping = loops_of_mains(view)
    found = ((death, death.cause) for death in deaths(view) if death.key not in looping)
    return tuple(_finding(view, death, cause) for death, cause in found if cause is not None)


def _finding(view: View, death: Death, cause: Cause) -> Finding:
    ending, cost = death.ending, impact(view, death)
    place = remedies.place(ending, remedies.LEAST_MEMORY)
    return Finding(
        kind=KIND,
        key=death.key,
        severity=_severity(death, cost),
        confidence=cause.confidence,
        subject=Subject(
            worker=ending.node,
            host=ending.life.worker.host if ending.life else None,
            pid=ending.pid,
            container=ending.container,
        ),
        summary=f"{ending.name} is dead: {cause.words}{words(view, death)}",
        since=ending.at,
        cause=cause.slug,
        evidence=testimony(view, death),
        ruled_out=ruled_out(view, death),
        impact=cost,
        fix=(Fix(place.start, "starts the worker again"), *remedies.recover_lost(cost)),
        verify=remedies.verify(KIND, death.queues),
        prevent=_PREVENT.get(cause.slug, (remedies.LATE_ACK, remedies.RESTART)),
        paging=paging(view, death.queues[0], ending.at) if death.queues else (),
        blind_spots=(*death.fate.blind_spots, *_unseen(view, cause)),
    )


def _severity(death: Death, cost: Impact) -> Severity:
    return "critical" if death.queues or cost.lost or cost.lost is None else "warning"


def _unseen(view: View, cause: Cause) -> tuple[BlindSpot, ...]:
    """What would have told the cause."""
    if cause.slug not in ("unknown", "host-gone"):
        return ()
    wanted = (("process", "process table of its host"), ("kernel", "kernel log"), ("docker", "container engine"))
    adds = "why its process ended"
    return tuple(BlindSpot(what, "not read", adds) for name, what in wanted if not view.sees(name))


_GRACE = Prevent(
    "stop timeout of the worker (docker stop -t, terminationGracePeriodSeconds, TimeoutStopSec)",
    "longer than the longest task",
    "a warm shutdown waits for running tasks; whatever stops the worker must wait as long",
)
_CATCH = Prevent(
    "the task's memory", "cut in pieces", "a MemoryError in one task ends the whole worker (celery/worker/request.py)"
)
_BROKER = Prevent(
    "maxmemory-policy, role and persistence of the broker",
    "noeviction, master, able to save",
    "a broker that refuses a write ends every worker",
)
_ROOM = Prevent(
    "resources.requests of the worker's pods, and a PodDisruptionBudget",
    "memory requested = its limit; minAvailable 1",
    "a pod that takes more than it asked for is evicted first when its node runs short; a drain leaves one running",
)
_PREVENT: dict[str, tuple[Prevent, ...]] = {
    "evicted": (_ROOM, _GRACE, remedies.LATE_ACK),
    "grace-exceeded": (_GRACE, remedies.LATE_ACK),
    "memory-error": (_CATCH, remedies.CHILD_MEMORY, remedies.RESTART),
    "broker-refused": (_BROKER, remedies.RESTART),
}

DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}))
