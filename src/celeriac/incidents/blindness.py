"""What a diagnosis could not see, and what seeing it would add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from celeriac.detectors.liveness import Standing, lives
from celeriac.model.finding import BlindSpot, Finding
from celeriac.model.view import View

_SOURCES = {
    "kernel": BlindSpot("kernel log", "not read", "whether the kernel killed a process for memory, and which"),
    "cgroup": BlindSpot("control groups", "not read", "memory limits, and kills that were counted against them"),
    "docker": BlindSpot("containers", "no container engine is read", "exit codes, OOMKilled, memory limits"),
    "process": BlindSpot("processes", "not read", "whether a silent worker is dead, frozen or busy"),
}
_HISTORY = BlindSpot(
    "history",
    "nothing was watching before this look",
    "what had been running when a worker died (run `celeriac serve`, or give --store or --logs)",
)


_DEATHS = ("worker-oom-killed", "worker-lost")


def blind_spots(view: View, findings: Sequence[Finding]) -> tuple[BlindSpot, ...]:
    """The view's own, what the findings lacked, and what nobody looked at; each thing once, the first reason given."""
    told = (*view.blind_spots, *(spot for finding in findings for spot in finding.blind_spots))
    spots = {spot.what: spot for spot in reversed(told)}
    for name, spot in _SOURCES.items():
        if not view.sees(name) and not any(name in what.lower() or what == spot.what for what in spots):
            spots[spot.what] = spot
    if not view.history and not _remembered(findings):
        spots.setdefault(_HISTORY.what, _HISTORY)
    for spot in _of_workers(view):
        spots.setdefault(spot.what, spot)
    return tuple(spots.values())


def _remembered(findings: Iterable[Finding]) -> bool:
    """The dead workers' own logs told what had been running, with nobody watching."""
    lost = [finding.impact.lost for finding in findings if finding.kind in _DEATHS]
    return bool(lost) and None not in lost


def _of_workers(view: View) -> Iterable[BlindSpot]:
    alive = [life.worker for life in lives(view) if life.standing is Standing.ALIVE]
    mute = sorted(one.node for one in alive if one.task_event_seen is None and (one.processed or one.active))
    if mute:
        why = (
            f"none heard from {', '.join(mute[:3])}{' …' if len(mute) > 3 else ''} (they run without -E, or were idle)"
        )
        yield BlindSpot("task events", why, "which tasks run, end, fail and are lost")
    unasked = sorted(one.node for one in alive if one.queues is None)
    if unasked:
        why = f"{', '.join(unasked[:3])}{' …' if len(unasked) > 3 else ''} did not answer inspect"
        yield BlindSpot("queues of workers", why, "which queues have a consumer")
