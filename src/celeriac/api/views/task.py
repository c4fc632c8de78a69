"""One task's truth: verdict and why, where it is, every attempt, the whole timeline."""

from __future__ import annotations

from celeriac.api.proofs import proofs
from celeriac.api.truth import verdict
from celeriac.api.views.freshness import fresh
from celeriac.api.views.memory import limit_of
from celeriac.api.views.shape import Json, gap_json, when
from celeriac.api.views.surroundings import surroundings
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.event import RECORDED, Event
from celeriac.model.finding import Fact
from celeriac.model.gap import Gap
from celeriac.model.ledger import is_doubled
from celeriac.model.mark import Mark, heard_once
from celeriac.model.task import Ending, Task
from celeriac.store import Store

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
    around = surroundings(store, known, events, at, stale=judged.stale)
    found = verdict(known if last else None, around)
    return {
        "id": task_id,
        "name": known.name or (around.held.name if around.held else None),
        "verdict": found.word,
        "because": found.because,
        "cause": _cause(known, events),
        "as_of": when(judged.as_of),
        "stale": judged.stale,
        "where": {
            "queue": known.queue or (around.queue.name if around.queue else None),
            "worker": last.worker if last else None,
            "pid": around.process.pid if around.process else _runs_in(last) if last else None,
        },
        "evidence": [_proof(fact) for fact in proofs(known, around)],
        "duplicated": is_doubled(known.attempts),
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
        "key": known.key,
        "result": known.ending.text if known.ending and known.ending.what == "succeeded" else None,
        "traceback": (known.ending.traceback or None) if known.ending else None,
        "marks_cut": known.cut,
        "lineage": {"replay_of": None, "replayed_as": None},
        "blind_spots": [UNSEEN],
    }


def _cause(task: Task, events: tuple[Event, ...]) -> object:
    """The cause slug of a loss, while the event that declared it is kept; None for what is not lost."""
    if task.state is not AttemptState.LOST:
        return None
    return next((event.data.get("cause") for event in reversed(events) if event.kind == "task-lost"), None)


def _proof(fact: Fact) -> Json:
    return {"at": when(fact.at), "source": fact.source, "fact": fact.fact, "how": fact.how}


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
