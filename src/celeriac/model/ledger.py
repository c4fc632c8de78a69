"""The ledger: every task id stands in exactly one term, and the terms add up to what was published.

published = waiting + scheduled + reserved + running + held + succeeded + failed + retrying + revoked + rejected
            + expired + dead + lost + unknown
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from celeriac.clock import parse_rfc3339
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.task import Task


class Term(StrEnum):
    """One side of the equation, in the order of a task's life."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    RESERVED = "reserved"
    RUNNING = "running"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRYING = "retrying"
    REVOKED = "revoked"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DEAD = "dead"
    LOST = "lost"
    UNKNOWN = "unknown"

    @property
    def open(self) -> bool:
        """True while more is to come."""
        return self in _OPEN


_OPEN = frozenset({Term.WAITING, Term.SCHEDULED, Term.RESERVED, Term.RUNNING, Term.HELD, Term.RETRYING, Term.UNKNOWN})
_OF_STATE = {
    AttemptState.PUBLISHED: Term.WAITING,
    AttemptState.QUEUED: Term.WAITING,
    AttemptState.RESERVED: Term.RESERVED,
    AttemptState.STARTED: Term.RUNNING,
    AttemptState.SUCCEEDED: Term.SUCCEEDED,
    AttemptState.FAILED: Term.FAILED,
    AttemptState.RETRIED: Term.RETRYING,
    AttemptState.REJECTED: Term.REJECTED,
    AttemptState.REVOKED: Term.REVOKED,
    AttemptState.EXPIRED: Term.EXPIRED,
    AttemptState.LOST: Term.LOST,
    AttemptState.DEAD: Term.DEAD,
}
REQUEUED = "requeued"
"""The detail of a rejection that put the message back (model/task.py)."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a judgement adds to the events of one task: `term` is LOST, HELD, UNKNOWN, or WAITING for
    what the broker gave back. `cause` is a cause slug of `task-lost` or `task-held`, "" for the others; `because` one
    sentence. `at` is Unix seconds of what did it: of the worker's death, or just after the last that was heard of the
    task, so that whatever is heard later disproves it."""

    task_id: str
    term: Term
    cause: str
    because: str
    at: float


def term_of(task: Task) -> Term | None:
    """The term that the task's own events put it in; None when it was never published and nobody ever had it."""
    return term_after(task, task.last)


def term_after(task: Task, last: Attempt | None) -> Term | None:
    """`term_of` a task whose newest delivery, which takes a fold to know, is `last`."""
    if last is None or (not is_recorded(task) and _was_refused(task)):
        return None
    if last.state is AttemptState.REJECTED and last.detail == REQUEUED:
        return Term.WAITING
    if last.state is AttemptState.RESERVED and _is_due_later(task, last):
        return Term.SCHEDULED
    return _OF_STATE[last.state]


def is_recorded(task: Task) -> bool:
    """True when its publish was heard: it is in the published side of the equation, and not only seen later on."""
    return any(mark.what == "sent" for mark in task.marks)


def due_at(task: Task) -> float | None:
    """Unix seconds of its ETA, None without one that can be read."""
    if task.eta is None:
        return None
    try:
        return parse_rfc3339(task.eta)
    except ValueError:
        return None


def _nobody_knows(_one: Attempt, _then: Attempt) -> bool:
    return False


def is_doubled(attempts: Iterable[Attempt]) -> bool:
    """True when it is on record that one message ran twice."""
    return doubled(attempts) is not None


def doubled(
    attempts: Iterable[Attempt], still_runs: Callable[[Attempt, Attempt], bool] = _nobody_knows
) -> tuple[Attempt, Attempt] | None:
    """The last two runs of one message that were one too many: the later began while the earlier was running, or after
    it had succeeded. None without.

    Of a run without an end nobody knows here whether it goes on or died with its worker; `still_runs(one, then)` says
    whether `one` was running when `then` had begun.
    """
    found: tuple[Attempt, Attempt] | None = None
    ran: list[Attempt] = []
    for attempt in sorted(attempts, key=_began):
        if attempt.started_at is None:
            ran += [attempt] if attempt.state is AttemptState.SUCCEEDED else []
            continue
        if attempt.delivery == "retry":
            beside = [one for one in ran if _outlived(one, attempt.started_at)]
            ran = []
        else:
            beside = [one for one in ran if _is_repeated(one, attempt, still_runs)]
        found = (beside[-1], attempt) if beside else found
        ran.append(attempt)
    return found


def _began(attempt: Attempt) -> float:
    return attempt.started_at or attempt.received_at or attempt.ended_at or 0.0


CLOCKS_AGREE = 1.0
"""Seconds by which an end must follow the next start, so that two hosts' clocks make no overlap of a sequence."""


def _is_repeated(one: Attempt, then: Attempt, still_runs: Callable[[Attempt, Attempt], bool]) -> bool:
    if one.state is AttemptState.SUCCEEDED:
        return not (_asked_anew(one, then) or _may_be_its_end(one, then))
    if one.state is AttemptState.STARTED:
        return still_runs(one, then)
    return one.state in (AttemptState.RETRIED, AttemptState.REVOKED, *_RAN) and _ends_after(one, then.started_at)


def _asked_anew(one: Attempt, then: Attempt) -> bool:
    """True when somebody published the same id again after its end: it was meant to run again."""
    return one.ended_at is not None and then.published_at is not None and then.published_at >= one.ended_at


def _may_be_its_end(one: Attempt, then: Attempt) -> bool:
    """True for a run of which only the end is known, by its result, when that came after `then` was taken: a result
    does not say which delivery it is of."""
    return one.started_at is None and (one.ended_at or 0.0) >= (then.received_at or then.started_at or 0.0)


def _outlived(one: Attempt, started_at: float) -> bool:
    """True when a run went on beside its own retry. One that ended as retried tells of its end after the retry was
    published (celery/app/task.py, retry), and is no such run."""
    return one.started_at is not None and one.state in _RAN and _ends_after(one, started_at)


_RAN = (AttemptState.SUCCEEDED, AttemptState.FAILED)


def _ends_after(one: Attempt, started_at: float | None) -> bool:
    return one.ended_at is not None and started_at is not None and one.ended_at > started_at + CLOCKS_AGREE


def _was_refused(task: Task) -> bool:
    return all(mark.what == "unpublished" for mark in task.marks)


def _is_due_later(task: Task, last: Attempt) -> bool:
    due = due_at(task)
    return due is not None and last.received_at is not None and due > last.received_at


@dataclass(frozen=True, slots=True)
class Balance:
    """The equation for one task name, or for all (`name` None).

    `published` counts the ids whose publish is on record, `unrecorded` those that were only seen later on: published
    before we watched, or by a producer without a recorder. `terms` counts both, by term.
    """

    name: str | None
    published: int
    unrecorded: int
    terms: Mapping[Term, int]

    @property
    def accounted(self) -> int:
        """How many ids stand in a term."""
        return sum(self.terms.values())

    @property
    def holds(self) -> bool:
        """True when both sides are equal."""
        return self.published + self.unrecorded == self.accounted
