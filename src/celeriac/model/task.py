"""A task: the fold of its events. Any order, duplication or interleaving of events gives the same task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from celeriac.model.attempt import ACKNOWLEDGED, UNACKNOWLEDGED, Attempt, AttemptState, attempts
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
UNSAVED = "it ran, and its result could not be stored"
"""How the failure of a task reads that ended while the result backend was down."""
UNCONFIRMED = "without a confirm"
"""The detail of a publish that nobody asked the broker about."""
TEXT_LIMIT = 1024
TRACEBACK_LIMIT = 8192
_SHOWN = frozenset({"args", "kwargs"})
_TEXTS = _SHOWN | {
    "name",
    "queue",
    "eta",
    "expires",
    "root_id",
    "parent_id",
    "key",
    "group_id",
    "chord",
    "chord_name",
}


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
    business key that the publisher gave it (the header `celeriac_key`). `chord` is the id of the task that follows when
    all of its group (`group_id`) have succeeded, `chord_name` that one's name."""

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
    group_id: str | None = None
    chord: str | None = None
    chord_name: str | None = None
    marks: tuple[Mark, ...] = ()
    cut: bool = False
    ending: Ending | None = None
    _attempts: tuple[Attempt, ...] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every delivery, oldest first. Folded once: each detector asks."""
        if self._attempts is None:
            object.__setattr__(self, "_attempts", attempts(self.marks))
        return self._attempts or ()

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
        group_id=_greatest(left.group_id, right.group_id),
        chord=_greatest(left.chord, right.chord),
        chord_name=_greatest(left.chord_name, right.chord_name),
        marks=marks,
        cut=left.cut or right.cut or cut,
        ending=max(endings) if endings else None,
    )


def fold(task: Task | None, event: Event) -> Task:
    """The task after `event`. Events without a task id are a caller's error (ValueError)."""
    if event.task_id is None:
        raise ValueError(f"{event.kind} carries no task id")
    seen = fold_all(event.task_id, (event,))
    return seen if task is None else merge(task, seen)


def fold_all(task_id: str, events: Iterable[Event]) -> Task:
    """The task after all of `events`, in any order."""
    texts: dict[str, str] = {}
    told: list[Mark] = []
    endings: list[Ending] = []
    for event in events:
        for name, value in event.data.items():
            if name in _TEXTS and value is not None:
                text = _cut(str(value), TEXT_LIMIT) if name in _SHOWN else str(value)
                texts[name] = max(texts.get(name, ""), text)
        told += _marks(event)
        endings += _endings(event)
    marks, cut = unite(told, ())
    return Task(id=task_id, **texts, marks=marks, cut=cut, ending=max(endings, default=None))


def _what(event: Event) -> str:
    what = event.kind.removeprefix("task-")
    return "expired" if what == "revoked" and event.flag("expired") else what


def _marks(event: Event) -> tuple[Mark, ...]:
    what = _what(event)
    if what in ("cancelled", "called-off"):  # it went back to the broker, or stands there still: nothing ended
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
    if event.kind in ("task-sent", "task-started", "task-rejected"):
        return _acknowledgement(event)
    if event.kind == "task-revoked":
        return f"terminated by {event.text('signum') or 'signal'}" if event.flag("terminated") else ""
    return (reason(event.text("exception"), event.text("traceback")) or "")[:200]


def _acknowledgement(event: Event) -> str:
    if event.kind == "task-sent":
        return UNCONFIRMED if event.data.get("confirmed") is False else ""
    if event.kind == "task-rejected":
        return "requeued" if event.flag("requeue") else "discarded"
    said = event.data.get("acknowledged")
    return "" if said is None else ACKNOWLEDGED if said else UNACKNOWLEDGED


def reason(exception: str | None, traceback: str | None) -> str | None:
    """What was really raised. For kills and limits `exception` reads `ExceptionWithTraceback()`; the truth is the
    traceback's last line (billiard/pool.py; FAILURE-MODES F48)."""
    if exception and not exception.startswith("ExceptionWithTraceback"):
        return exception
    lines = [line.strip() for line in (traceback or "").strip().splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line != '"""'), None)
    return last or exception


def _endings(event: Event) -> tuple[Ending, ...]:
    if event.kind not in _ENDS:
        return ()
    text = event.text("result") if event.kind == "task-succeeded" else _detail(event)
    runtime = event.number("runtime")
    ending = Ending(
        at=event.at,
        what=_what(event),
        text=_cut(text or "", TEXT_LIMIT),
        traceback=(event.text("traceback") or "")[-TRACEBACK_LIMIT:],
        runtime=-1.0 if runtime is None else runtime,
    )
    return (ending,)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _greatest(left: str | None, right: str | None) -> str | None:
    if left is None or right is None:
        return left if right is None else right
    return max(left, right)
