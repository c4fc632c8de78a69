"""A hole in what we know: events known to be missing, counted."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Gap:
    """`size` items of `worker` (one life: `pid`) are missing between `after` and `until` (the worker's clock).

    `source` says of what: "events", task starts that its heartbeats count; "record", numbered items of its recorder.
    `cause` is a `monitor-gap` cause slug. `size` None: a hole is certain, its size is not known.
    """

    id: str
    source: str
    worker: str
    pid: int
    after: float
    until: float
    size: int | None
    cause: str
    found_at: float


@dataclass(frozen=True, slots=True)
class Tally:
    """The books on one worker life: `counted` starts were proven to be on record up to its heartbeat at `at`.

    `beats` are later heartbeats not judged yet, (worker's time, processed), oldest first; `starts` the times of
    starts seen after `at`.
    """

    worker: str
    pid: int
    at: float
    counted: int
    beats: tuple[tuple[float, int], ...] = ()
    starts: tuple[float, ...] = ()


STARTS_LIMIT = 200_000
"""Starts kept per life between two heartbeats; beyond it the count is not proven and no gap is claimed."""


def heard(tally: Tally, at: float, processed: int) -> tuple[Tally, int]:
    """Note a heartbeat; the tally after it and how many starts are proven missing.

    `processed` counts acceptances and is read on the same thread and clock that stamps `task-started`
    (celery/worker/state.py, request.py), so starts stamped in (at, beat] must equal its growth. A beat is judged
    only when the next one has come: buffered starts arrive after the heartbeat that counts them.
    """
    if at <= tally.at or any(at == beat for beat, _ in tally.beats):
        return tally, 0
    beats = tuple(sorted((*tally.beats, (at, processed))))
    if len(beats) < 2:
        return replace(tally, beats=beats), 0
    judged_at, judged = beats[0]
    within = sum(1 for start in tally.starts if start <= judged_at)
    missing = judged - tally.counted - within
    rest = tuple(start for start in tally.starts if start > judged_at)
    unproven = len(tally.starts) >= STARTS_LIMIT or judged < tally.counted
    settled = replace(tally, at=judged_at, counted=judged, beats=beats[1:], starts=rest)
    return settled, 0 if unproven else max(0, missing)


def started(tally: Tally, at: float) -> Tally:
    """Note a start; one at or before the judged heartbeat is already in the books."""
    if at <= tally.at or len(tally.starts) >= STARTS_LIMIT:
        return tally
    return replace(tally, starts=(*tally.starts, at))
