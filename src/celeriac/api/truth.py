"""The verdict on one task: where its events left it, corrected by what is known of its worker, queue and broker.

An event says what was true when it was sent. A task that "started" on a dead worker is lost, not running.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celeriac.api.liveness import clause
from celeriac.api.spans import ago
from celeriac.api.standing import Verdict, claimed, seen, standing
from celeriac.api.surroundings import Role, Surroundings
from celeriac.clock import rfc3339
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.ledger import REQUEUED, is_doubled
from celeriac.model.task import Task

RESULT_KEPT = 86_400.0
"""Seconds for which Celery keeps a result unless told otherwise (celery/app/defaults.py, result_expires)."""


def verdict(task: Task | None, around: Surroundings) -> Verdict:
    """What is true of the task; `task` is None when no event ever named it."""
    if task is None or task.last is None:
        return _unheard(around)
    word, because = _verdict(task, task.last, around)
    return Verdict(word, "; ".join((because, *_besides(task), *_called_off(task, around))))


def _verdict(task: Task, attempt: Attempt, around: Surroundings) -> Verdict:
    if attempt.state is AttemptState.REJECTED and attempt.detail == REQUEUED:
        return Verdict("waiting", f"{attempt.worker} put it back into its queue {ago(attempt.ended_at, around.at)}")
    if attempt.state.ended and attempt.state is not AttemptState.RETRIED:
        return _ended(task, attempt, around)
    told = _declared(around) or from_incidents(around.roles)
    if told:
        return told
    if attempt.state is AttemptState.RETRIED:
        return Verdict("retrying", f"attempt {attempt.number} asked for a retry{_reason(attempt)}")
    return standing(task, attempt, around)


def _ended(task: Task, attempt: Attempt, around: Surroundings) -> Verdict:
    lost = attempt.state is AttemptState.LOST  # its mark is put where any later word disproves it, not when it went
    when = ", not heard of since" if lost else " at"
    ended = f"{when} {rfc3339(attempt.ended_at)}" if attempt.ended_at is not None else ""
    where = f" on {attempt.worker}" if attempt.worker else ""
    word = attempt.state.value
    return Verdict(word, f"{_ENDS.get(word, word)}{where}{ended}{_reason(attempt)}{_after(task, attempt, around)}")


_ENDS = {"dead": "set aside, and not run again,"}


def _reason(attempt: Attempt) -> str:
    return f": {attempt.detail}" if attempt.detail else ""


def _after(task: Task, attempt: Attempt, around: Surroundings) -> str:
    """What an end does not tell: that the message still stands there, that the result is gone by now."""
    ended, place = attempt.ended_at, seen(task, around)
    if place and place.where == "ready":
        where = place.queue or "its queue"
        return f"; but its message still stands in {where}: a worker that has not heard of this runs it"
    if attempt.state is AttemptState.SUCCEEDED and ended is not None and around.at - ended > RESULT_KEPT:
        return "; a result is kept one day unless result_expires says else, so AsyncResult may read PENDING now"
    return ""


def _besides(task: Task) -> Iterator[str]:
    """What else happened to it on the way."""
    tried = task.attempts
    if is_doubled(tried):
        ran = [f"attempt {one.number} on {one.worker}" for one in tried if one.started_at is not None]
        yield f"it ran twice: {' and '.join(ran[-2:])}"
    else:
        again = sum(one.delivery == "redelivery" and one.worker is not None for one in tried)
        if again:
            yield "it was delivered again" + ("" if again == 1 else f" {again} times")
    if any(mark.what == "queued" for mark in task.marks):
        yield "rescue put it back into its queue"


def _called_off(task: Task, around: Surroundings) -> Iterator[str]:
    """The order to drop a task lives in the memory of the workers that heard it (celery/worker/state.py, revoked)."""
    if around.called_off is not None and not task.state.ended:
        yield (
            f"revoked at {rfc3339(around.called_off)}, but its message is still there: a worker that was started "
            "later, or did not hear the order, runs it"
        )


def _declared(around: Surroundings) -> Verdict | None:
    return None if around.declared is None else Verdict(*around.declared)


def from_incidents(roles: Sequence[Role]) -> Verdict | None:
    """Lost stays lost without a later event; held ends with its incident, when the message is back."""
    for role in roles:
        if role.name == "lost":
            return Verdict("lost", f"it never ended and stands nowhere in the broker: {clause(role.summary)}")
    for role in roles:
        if role.name == "held" and role.active:
            return Verdict("held", f"a dead consumer keeps it from running: {clause(role.summary)}")
    return None


def _unheard(around: Surroundings) -> Verdict:
    told = from_incidents(around.roles)
    if told:
        return told
    if around.claimed:
        return claimed(around.claimed)
    if around.held:
        since = f" since {rfc3339(around.held.since)}" if around.held.since is not None else ""
        return Verdict("reserved", f"a consumer has it and has not acknowledged it{since}; no event ever named it")
    if around.queue:
        return Verdict("waiting", f"it stands in {around.queue.name}; no event ever named it")
    return _unnamed(around)


def _unnamed(around: Surroundings) -> Verdict:
    """Nothing ever named it: that means something only where it would have been named."""
    if around.watching is None:
        return Verdict("unknown", "nothing has been collected yet, so nothing can be said")
    if around.hears == "nobody":
        return Verdict(
            "unknown", "workers run tasks and tell of none: start them with -E, or call celeriac.install(app)"
        )
    since = f"no event has named it since {rfc3339(around.watching)}, when watching began"
    if around.hears == "workers":
        return Verdict("never-seen", f"{since}; no producer tells what it publishes, so it may wait unseen")
    return Verdict("never-seen", since)
