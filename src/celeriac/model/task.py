"""A task: the fold of its events. Any order, duplication or interleaving of events gives the same task."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from celeriac.model.attempt import Attempt, AttemptState, attempts
from celeriac.model.event import RECORDED, Event
from celeriac.model.mark import Mark, unite

_STEPS = (
    "sent",
    "unpublished",
    "received",
    "started",
    "retried",
    "rejected",
    "succeeded",
    "failed",
    "revoked",
    "expired",
    "ignored",
    "queued",
    "parked",
    "lost",
)
_STEP = {what: step for step, what in enumerate(_STEPS)}
_ENDS = frozenset(
    {
        "task-succeeded",
        "task-failed",
        "task-retried",
        "task-revoked",
        "task-rejected",
        "task-unpublished",
        "task-ignored",
        "task-parked",
        "task-lost",
    }
)
TEXT_LIMIT = 1024
TRACEBACK_LIMIT = 8192


class Ending(NamedTuple):
    """How an attempt ended: the latest one wins, whatever the order of arrival. `runtime` is seconds, -1 unknown."""

    at: float
    what: str
    text: str = ""
    traceback: str = ""
    runtime: float = -1.0


@dataclass(frozen=True, slots=True)
class Task:
    """One task id. Scalars that differ between events settle on the greatest, so that folding commutes. `key` is the
    business key that the publisher gave it (the header `celeriac_key`)."""

    id: str
    name: str | None = None
    queue: str | None = None
    args: str | None = None
    kwargs: str | None = None
    eta: str | None = None
    expires: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    key: str | None = None
    marks: tuple[Mark, ...] = ()
    cut: bool = False
    ending: Ending | None = None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every delivery, oldest first."""
        return attempts(self.marks)

    @property
    def last(self) -> Attempt | None:
        """The newest delivery."""
        found = self.attempts
        return found[-1] if found else None

    @property
    def state(self) -> AttemptState:
        """Where the newest attempt stands; a task nobody ever marked is published."""
        last = self.last
        return last.state if last else AttemptState.PUBLISHED

    @property
    def updated_at(self) -> float:
        """Unix seconds of the newest mark, 0 without any."""
        return self.marks[-1].at if self.marks else 0.0

    @property
    def published_at(self) -> float | None:
        """Unix seconds of the first publish seen."""
        return next((mark.at for mark in self.marks if mark.what == "sent"), None)


def merge(left: Task, right: Task) -> Task:
    """Both views of one task as one. Commutative, associative, idempotent."""
    marks, cut = unite(left.marks, right.marks)
    endings = [ending for ending in (left.ending, right.ending) if ending is not None]
    return Task(
        id=left.id,
        name=_greatest(left.name, right.name),
        queue=_greatest(left.queue, right.queue),
        args=_greatest(left.args, right.args),
        kwargs=_greatest(left.kwargs, right.kwargs),
        eta=_greatest(left.eta, right.eta),
        expires=_greatest(left.expires, right.expires),
        root_id=_greatest(left.root_id, right.root_id),
        parent_id=_greatest(left.parent_id, right.parent_id),
        key=_greatest(left.key, right.key),
        marks=marks,
        cut=left.cut or right.cut or cut,
        ending=max(endings) if endings else None,
    )


def fold(task: Task | None, event: Event) -> Task:
    """The task after `event`. Events without a task id are a caller's error (ValueError)."""
    seen = from_event(event)
    return seen if task is None else merge(task, seen)


def fold_all(task_id: str, events: tuple[Event, ...]) -> Task:
    """The task after all of `events`, in any order."""
    return reduce(fold, events, Task(id=task_id))


def from_event(event: Event) -> Task:
    """The task as this one event alone shows it."""
    if event.task_id is None:
        raise ValueError(f"{event.kind} carries no task id")
    return Task(
        id=event.task_id,
        name=event.text("name"),
        queue=event.text("queue"),
        args=_cut(event.text("args"), TEXT_LIMIT),
        kwargs=_cut(event.text("kwargs"), TEXT_LIMIT),
        eta=event.text("eta"),
        expires=event.text("expires"),
        root_id=event.text("root_id"),
        parent_id=event.text("parent_id"),
        key=event.text("key"),
        marks=_marks(event),
        ending=_ending(event),
    )


def _what(event: Event) -> str:
    what = event.kind.removeprefix("task-")
    return "expired" if what == "revoked" and event.flag("expired") else what


def _marks(event: Event) -> tuple[Mark, ...]:
    what = _what(event)
    if what == "cancelled":  # the delivery went back to the broker: nothing ended
        return ()
    retries = event.number("retries")
    return (
        Mark(
            at=event.at,
            step=_STEP[what],
            what=what,
            worker=event.worker or "",
            pid=event.pid or 0,
            retries=-1 if retries is None else int(retries),
            detail=_detail(event),
            inside=event.source == RECORDED,
            child=int(event.number("child") or 0),
            peak=int(event.number("peak") or 0),
        ),
    )


def _detail(event: Event) -> str:
    """The short reason that fits beside a mark: what was raised, or how it was turned away."""
    if event.kind == "task-unpublished":
        return f"not published: {event.text('exception') or 'the broker refused it'}"[:200]
    if event.kind == "task-ignored":
        return "asked to be ignored"
    if event.kind in ("task-lost", "task-parked"):
        return (event.text("because") or event.text("cause") or "")[:200]
    if event.kind == "task-rejected":
        return "requeued" if event.flag("requeue") else "discarded"
    if event.kind == "task-revoked":
        return f"terminated by {event.text('signum') or 'signal'}" if event.flag("terminated") else ""
    return (reason(event.text("exception"), event.text("traceback")) or "")[:200]


def reason(exception: str | None, traceback: str | None) -> str | None:
    """What was really raised. For kills and limits `exception` reads `ExceptionWithTraceback()`; the truth is the
    traceback's last line (billiard/pool.py; FAILURE-MODES F48)."""
    if exception and not exception.startswith("ExceptionWithTraceback"):
        return exception
    lines = [line.strip() for line in (traceback or "").strip().splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line != '"""'), None)
    return last or exception


def _ending(event: Event) -> Ending | None:
    if event.kind not in _ENDS:
        return None
    text = event.text("result") if event.kind == "task-succeeded" else _detail(event)
    runtime = event.number("runtime")
    return Ending(
        at=event.at,
        what=_what(event),
        text=_cut(text, TEXT_LIMIT) or "",
        traceback=(event.text("traceback") or "")[-TRACEBACK_LIMIT:],
        runtime=-1.0 if runtime is None else runtime,
    )


def _cut(text: str | None, limit: int) -> str | None:
    return text if text is None or len(text) <= limit else text[: limit - 1] + "…"


def _greatest(left: str | None, right: str | None) -> str | None:
    if left is None or right is None:
        return left if right is None else right
    return max(left, right)
