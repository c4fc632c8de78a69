"""One try at running a task: its states, the one transition function, and the fold of a task's marks into attempts.

published -> queued -> reserved -> started -> succeeded | failed | retried | rejected
     \\__________\\__________\\_______\\______-> revoked | expired | lost | dead
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from celeriac.model.mark import Mark, heard_once


class AttemptState(StrEnum):
    """Where one attempt stands."""

    PUBLISHED = "published"
    QUEUED = "queued"
    RESERVED = "reserved"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRIED = "retried"
    REJECTED = "rejected"
    REVOKED = "revoked"
    EXPIRED = "expired"
    LOST = "lost"
    DEAD = "dead"

    @property
    def ended(self) -> bool:
        """True when nothing more happens in this attempt."""
        return self not in _OPEN


_OPEN = frozenset({AttemptState.PUBLISHED, AttemptState.QUEUED, AttemptState.RESERVED, AttemptState.STARTED})
_RANK = {state: rank for rank, state in enumerate(AttemptState)}
_REACHES = {
    "sent": AttemptState.PUBLISHED,
    "unpublished": AttemptState.FAILED,
    "queued": AttemptState.QUEUED,
    "received": AttemptState.RESERVED,
    "started": AttemptState.STARTED,
    "succeeded": AttemptState.SUCCEEDED,
    "ignored": AttemptState.SUCCEEDED,
    "failed": AttemptState.FAILED,
    "retried": AttemptState.RETRIED,
    "rejected": AttemptState.REJECTED,
    "revoked": AttemptState.REVOKED,
    "expired": AttemptState.EXPIRED,
    "lost": AttemptState.LOST,
    "parked": AttemptState.DEAD,
}


def transition(state: AttemptState | None, what: str) -> AttemptState:
    """The state after `what` was seen. Never goes back: a late `sent` does not undo `started`."""
    reached = _REACHES[what]
    if state is None:
        return reached
    if state is AttemptState.LOST and reached is not AttemptState.PUBLISHED:
        return reached  # whatever is heard of it later disproves the loss
    if state.ended or _RANK[reached] < _RANK[state]:
        return state
    return reached


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of a task. Times are Unix seconds, `peak_rss` bytes; None is not seen. `pid` is the worker's main
    process, `child` the pool process that ran it. `acknowledged` is whether its message was when it started."""

    number: int
    delivery: Literal["first", "retry", "redelivery"]
    state: AttemptState
    worker: str | None = None
    pid: int | None = None
    published_at: float | None = None
    received_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    detail: str = ""
    child: int | None = None
    peak_rss: int | None = None
    acknowledged: bool | None = None


SKEW = 60.0
"""Seconds by which a producer's clock may run ahead of a worker's, so that a publish reads later than its own end."""
TOLD_LATE = 5.0
"""Seconds after the end of a run in which its start may yet be told."""
ACKNOWLEDGED, UNACKNOWLEDGED = "acknowledged", "not acknowledged"
"""The detail of a start that says whether the message was acknowledged before it."""
_STORED = (AttemptState.SUCCEEDED, AttemptState.FAILED)
"""Ends that a pool process stores by itself (celery/app/trace.py)."""
_TIME_OF = {"sent": "published_at", "received": "received_at", "started": "started_at"}


@dataclass(slots=True)
class _Draft:
    """An attempt while its marks are being read."""

    number: int
    state: AttemptState | None = None
    worker: str | None = None
    pid: int | None = None
    published_at: float | None = None
    received_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    detail: str = ""
    retries: int = -1
    child: int = 0
    peak: int = 0
    acknowledged: bool | None = None

    @property
    def open(self) -> bool:
        return self.state is None or not self.state.ended

    @property
    def began_anew(self) -> bool:
        """True for a run of a message that was published for it."""
        return self.started_at is not None and self.published_at is not None

    @property
    def goes_back(self) -> bool:
        """True when its end promises another delivery."""
        return self.state is AttemptState.RETRIED or (self.state is AttemptState.REJECTED and self.detail == "requeued")

    def take(self, mark: Mark) -> None:
        before, self.state = self.state, transition(self.state, mark.what)
        self.retries = max(self.retries, mark.retries)
        self.child, self.peak = max(self.child, mark.child), max(self.peak, mark.peak)
        if mark.what in _TIME_OF:
            setattr(self, _TIME_OF[mark.what], self.ended_at if self.begins_late(mark) else mark.at)
        if mark.what == "started" and mark.detail:
            self.acknowledged = mark.detail == ACKNOWLEDGED
        if mark.what != "sent" and mark.worker:
            self.worker, self.pid = mark.worker, mark.pid
        if self.state.ended and self.state is not before:
            self.ended_at, self.detail = mark.at, mark.detail

    def begins_late(self, mark: Mark) -> bool:
        """True for the start of a run whose end is known from elsewhere: a pool process stores its result before its
        worker says that it began."""
        if mark.what != "started" or self.started_at is not None or self.state not in _STORED:
            return False
        same = self.worker == mark.worker and self.pid in (mark.pid, 0)  # a result names no pid
        return same and self.ended_at is not None and mark.at - self.ended_at <= TOLD_LATE

    def attempt(self, before: _Draft | None) -> Attempt:
        return Attempt(
            self.number,
            "first" if before is None else self._delivery(before),
            self.state or AttemptState.PUBLISHED,
            self.worker,
            self.pid,
            self.published_at,
            self.received_at,
            self.started_at,
            self.ended_at,
            self.detail,
            self.child or None,
            self.peak or None,
            self.acknowledged,
        )

    def _delivery(self, before: _Draft) -> Literal["retry", "redelivery"]:
        """The `retries` a message carries tell a retry from the same message once more; else the end before it does."""
        if self.retries >= 0 and before.retries >= 0:
            return "retry" if self.retries > before.retries else "redelivery"
        return "retry" if before.state is AttemptState.RETRIED else "redelivery"


def attempts(marks: Iterable[Mark]) -> tuple[Attempt, ...]:
    """Fold `marks`, in their order and each once, into attempts: one that can belong to none seen opens the next."""
    drafts: list[_Draft] = []
    for mark in heard_once(marks):
        draft = _owner(drafts, mark)
        if draft is None:
            draft = _Draft(len(drafts) + 1)
            drafts.append(draft)
        draft.take(mark)
    drafts = _settled(drafts)
    return tuple(draft.attempt(before) for before, draft in zip((None, *drafts), drafts, strict=False))


def _settled(drafts: list[_Draft]) -> list[_Draft]:
    """A delivery that was lost takes nothing from a task that has succeeded: it was a second copy, or the first one,
    told by a clock that is ahead. The same for one that has failed, unless it was published anew."""
    ended = [draft for draft in drafts if draft.state in (AttemptState.SUCCEEDED, AttemptState.FAILED)]
    lost = [draft for draft in drafts if draft.state is AttemptState.LOST and not draft.began_anew]
    if not ended or drafts[-1] not in lost:
        return drafts
    if ended[-1].state is AttemptState.FAILED and drafts[-1].published_at is not None:
        return drafts
    kept = [draft for draft in drafts if draft not in lost]
    ordered = [*lost, *kept] if kept[-1] is ended[-1] else drafts
    for number, draft in enumerate(ordered, 1):
        draft.number = number
    return ordered


def _owner(drafts: list[_Draft], mark: Mark) -> _Draft | None:
    """The attempt that `mark` is part of, None when it opens the next."""
    if not drafts:
        return None
    if mark.what == "sent":
        return _published(drafts, mark)
    if mark.what == "queued":
        return _put_back(drafts)
    if mark.what in ("received", "started"):
        return _taken(drafts, mark)
    return _ended(drafts, mark)


def _fits(draft: _Draft, mark: Mark) -> bool:
    """What carries another number of retries is of another attempt, however near in time."""
    return draft.retries == mark.retries or -1 in (draft.retries, mark.retries)


def _published(drafts: list[_Draft], mark: Mark) -> _Draft | None:
    """A publish reads later than what came of it where clocks differ, or the receiver was faster."""
    for draft in reversed(drafts):
        if draft.published_at is None and draft.retries == mark.retries >= 0 and _near(draft, mark):
            return draft
    current = drafts[-1]
    return current if current.published_at is None and current.open and _fits(current, mark) else None


def _put_back(drafts: list[_Draft]) -> _Draft | None:
    """A message that was put back is delivered anew, unless nobody had taken it."""
    current = drafts[-1]
    return current if current.open and current.worker is None else None


def _near(draft: _Draft, mark: Mark) -> bool:
    return mark.at - (draft.ended_at or mark.at) <= SKEW


def _taken(drafts: list[_Draft], mark: Mark) -> _Draft | None:
    """A start goes to what its worker received; both else to a message that nobody has taken."""
    time = _TIME_OF[mark.what]
    for draft in reversed(drafts):
        same = draft.worker == mark.worker and _fits(draft, mark)
        if same and (draft.begins_late(mark) or (draft.open and getattr(draft, time) in (None, mark.at))):
            return draft
    current = drafts[-1]
    untaken = current.worker is None and (current.open or current.state is AttemptState.LOST)
    return current if untaken and _fits(current, mark) else None


def _ended(drafts: list[_Draft], mark: Mark) -> _Draft | None:
    """An end goes to what its worker held, and a task that runs twice ends twice. Its next attempt may be published,
    received, even started before `task-retried` is heard (celery/app/task.py, retry)."""
    held = [one for one in drafts if one.open and mark.worker and one.worker == mark.worker and _fits(one, mark)]
    if mark.what == "retried":
        newest = max(draft.retries for draft in drafts)
        held = [draft for draft in held if draft.retries < newest] or held
    if held:
        return _of_child(held, mark) or held[-1]
    current = drafts[-1]
    if mark.what == "lost" and current.goes_back:
        return None  # what is lost is the delivery that would have been next
    foreign = current.open and current.worker is not None and bool(mark.worker)
    return None if foreign or not _fits(current, mark) else current


def _of_child(held: list[_Draft], mark: Mark) -> _Draft | None:
    """One worker may run a task twice at once, each in a process of its own."""
    return next((one for one in reversed(held) if mark.child and one.child == mark.child), None)
