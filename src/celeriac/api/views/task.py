"""One task's truth: verdict and why, where it is, every attempt, the whole timeline."""

from __future__ import annotations

from celeriac.api.liveness import Liveness
from celeriac.api.truth import Claimed, Surroundings, verdict
from celeriac.api.views.freshness import fresh
from celeriac.api.views.memory import limit_of
from celeriac.api.views.queues import WINDOW
from celeriac.api.views.roles import roles
from celeriac.api.views.shape import Json, gap_json, when
from celeriac.api.views.workers import judged_lives
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.event import RECORDED, Event
from celeriac.model.gap import Gap
from celeriac.model.mark import Mark, heard_once
from celeriac.model.queue import Queue
from celeriac.model.task import Ending, Task
from celeriac.model.worker import Worker
from celeriac.store import Store

Lives = list[tuple[Worker, Liveness]]
SETTLED = 2.0
"""Seconds between a start, an answer and the watermark beyond which their order is sure."""
UNSEEN = {
    "what": "children",
    "why": "the store keeps no index by parent",
    "would_add": "the tasks that this one sent",
}


def task(store: Store, now: float, task_id: str) -> Json:
    """The truth about `task_id`, which need not exist: then the verdict says since when it would have been seen."""
    known = store.task(task_id) or Task(task_id)
    events = store.timeline(task_id)
    judged, gaps = fresh(store, now)
    at = judged.as_of or now
    last = known.last
    around = _surroundings(store, known, at, stale=judged.stale)
    found = verdict(known if last else None, around)
    return {
        "id": task_id,
        "name": known.name or (around.held.name if around.held else None),
        "verdict": found.word,
        "because": found.because,
        "as_of": when(judged.as_of),
        "stale": judged.stale,
        "where": {
            "queue": known.queue or (around.queue.name if around.queue else None),
            "worker": last.worker if last else None,
            "pid": _runs_in(last) if last else None,
        },
        "attempts": [_attempt(one, known.ending) for one in known.attempts],
        "timeline": _timeline(known, events),
        "curve": _curve(events),
        "memory_limit": limit_of(store, last.worker if last else None),
        "gaps": [gap_json(gap) for gap in gaps if _touches(gap, known)],
        "incidents": [role._asdict() for role in around.roles],
        "parent": known.parent_id,
        "root": known.root_id,
        "children": None,
        "payload": _payload(known, events),
        "args": known.args,
        "kwargs": known.kwargs,
        "eta": known.eta,
        "expires": known.expires,
        "result": known.ending.text if known.ending and known.ending.what == "succeeded" else None,
        "traceback": (known.ending.traceback or None) if known.ending else None,
        "marks_cut": known.cut,
        "lineage": {"replay_of": None, "replayed_as": None},
        "blind_spots": [UNSEEN],
    }


def _surroundings(store: Store, task: Task, at: float, *, stale: bool) -> Surroundings:
    held = next((one for one in store.held() or () if one.task_id == task.id), None)
    lives = judged_lives(store, at, stale=stale)
    return Surroundings(
        at=at,
        stale=stale,
        roles=roles(store, task.id),
        held=held,
        claimed=_claim(lives, task.id),
        queue=_queue(store.queues(at - WINDOW), task),
        liveness=_liveness(lives, task.last),
        denied=_denial(lives, task, at),
        watching=store.first_seen(),
    )


def _queue(queues: tuple[Queue, ...], task: Task) -> Queue | None:
    """The task's queue; for a task that no event named, one that shows it at an end."""
    if task.queue is not None:
        return next((queue for queue in queues if queue.name == task.queue), None)
    if task.last is not None:
        return None
    return next((queue for queue in queues if task.id in (queue.latest.oldest_id, queue.latest.newest_id)), None)


def _claim(lives: Lives, task_id: str) -> Claimed | None:
    for worker, liveness in lives:
        if liveness.state == "alive" and worker.asked_at is not None:
            state = next((one.state for one in worker.claims or () if one.task_id == task_id), None)
            if state:
                return Claimed(worker.node, state, worker.asked_at)
    return None


def _liveness(lives: Lives, attempt: Attempt | None) -> Liveness | None:
    if attempt is None or attempt.worker is None:
        return None
    life = (attempt.worker, attempt.pid)
    return next((liveness for worker, liveness in lives if (worker.node, worker.pid) == life), None)


def _denial(lives: Lives, task: Task, at: float) -> float | None:
    """When the life that took the task last listed all it has, and the task was not there. Only an answer that all
    events were read beyond counts: until then its end may still be on its way."""
    last = task.last
    taken = None if last is None else last.started_at or last.received_at
    if last is None or taken is None:
        return None
    for worker, _ in lives:
        if (worker.node, worker.pid) != (last.worker, last.pid) or worker.claims is None or worker.asked_at is None:
            continue
        if taken + SETTLED < worker.asked_at < at - SETTLED:
            return None if any(one.task_id == task.id for one in worker.claims) else worker.asked_at
    return None


def _touches(gap: Gap, task: Task) -> bool:
    """True when the hole is in what a worker of this task said."""
    return any(mark.worker == gap.worker and mark.pid == gap.pid for mark in task.marks)


def _attempt(attempt: Attempt, ending: Ending | None) -> Json:
    failed = attempt.state in (AttemptState.FAILED, AttemptState.RETRIED, AttemptState.REJECTED)
    return {
        "number": attempt.number,
        "delivery": attempt.delivery,
        "worker": attempt.worker,
        "pid": _runs_in(attempt),
        "child": attempt.child,
        "published_at": when(attempt.published_at),
        "received_at": when(attempt.received_at),
        "started_at": when(attempt.started_at),
        "ended_at": when(attempt.ended_at),
        "outcome": attempt.state.value if attempt.state.ended else None,
        "state": attempt.state.value,
        "exception": (attempt.detail or None) if failed else None,
        "peak_rss": attempt.peak_rss,
        "runtime": _runtime(attempt, ending),
    }


def _runtime(attempt: Attempt, ending: Ending | None) -> float | None:
    if ending and ending.at == attempt.ended_at and ending.runtime >= 0:
        return ending.runtime
    if attempt.started_at is None or attempt.ended_at is None:
        return None
    return max(0.0, attempt.ended_at - attempt.started_at)


def _runs_in(attempt: Attempt) -> int | None:
    """The process that ran it, as far as that was told: the pool's child, else the worker's main process."""
    return attempt.child or attempt.pid


def _curve(events: tuple[Event, ...]) -> object:
    """The memory of the last run, [seconds since its start, bytes] pairs, while its event row is still kept."""
    return next((event.data["curve"] for event in reversed(events) if event.data.get("curve")), None)


def _payload(task: Task, events: tuple[Event, ...]) -> str:
    """How much of its message is on record."""
    if any(event.data.get("payload") for event in events):
        return "exact"
    return "none" if task.args is None and task.kwargs is None else "redacted"


def _timeline(task: Task, events: tuple[Event, ...]) -> list[Json]:
    """Every mark, with the stream it came in by while its event row is still kept. What was told twice stands once."""
    told = (event for event in events if event.source != RECORDED)
    sources = {(event.at, event.kind.removeprefix("task-")): event.source for event in told}
    return [
        _entry(mark, RECORDED if mark.inside else sources.get((mark.at, mark.what))) for mark in heard_once(task.marks)
    ]


def _entry(mark: Mark, source: str | None) -> Json:
    return {
        "at": when(mark.at),
        "what": mark.what,
        "source": source or "event",
        "worker": mark.worker or None,
        "pid": mark.pid or None,
        "detail": mark.detail or None,
    }
