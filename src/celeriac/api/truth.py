"""The verdict on one task: where its events left it, corrected by what is known of its worker, queue and broker.

An event says what was true when it was sent. A task that "started" on a dead worker is lost, not running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from celeriac.api.liveness import Liveness, clause
from celeriac.clock import parse_rfc3339, rfc3339
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.broker import Held
from celeriac.model.queue import Queue
from celeriac.model.task import Task


class Verdict(NamedTuple):
    """One of CONTRACT's words, and the sentence that says why."""

    word: str
    because: str


class Claimed(NamedTuple):
    """A living worker's own word, when last asked, that it has the task: `state` is active, reserved or scheduled."""

    worker: str
    state: str
    asked_at: float


class Role(NamedTuple):
    """What an incident says of the task: `name` is an impact list (lost, held, …); `active` while it is open."""

    incident: str
    name: str
    active: bool
    summary: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around a task at `at` (the watermark). None is not known.

    `held` is its message among the unacknowledged ones, `liveness` of the worker life that has it last, `denied` when
    that life said later that it has it no more, `watching` since when this store hears anything.
    """

    at: float
    stale: bool = False
    roles: tuple[Role, ...] = ()
    held: Held | None = None
    claimed: Claimed | None = None
    queue: Queue | None = None
    liveness: Liveness | None = None
    denied: float | None = None
    watching: float | None = None


def verdict(task: Task | None, around: Surroundings) -> Verdict:
    """What is true of the task; `task` is None when no event ever named it."""
    if task is None or task.last is None:
        return _unheard(around)
    attempt = task.last
    if attempt.state is AttemptState.RETRIED:
        return Verdict("retrying", f"attempt {attempt.number} asked for a retry{_reason(attempt)}")
    if attempt.state.ended:
        return _ended(attempt)
    return from_incidents(around.roles) or _open(task, attempt, around)


def _ended(attempt: Attempt) -> Verdict:
    ended = f" at {rfc3339(attempt.ended_at)}" if attempt.ended_at is not None else ""
    where = f" on {attempt.worker}" if attempt.worker else ""
    return Verdict(attempt.state.value, f"{attempt.state.value}{where}{ended}{_reason(attempt)}")


def _reason(attempt: Attempt) -> str:
    return f": {attempt.detail}" if attempt.detail else ""


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
        return _claimed(around.claimed)
    if around.held:
        since = f" since {rfc3339(around.held.since)}" if around.held.since is not None else ""
        return Verdict("reserved", f"a consumer has it and has not acknowledged it{since}; no event ever named it")
    if around.queue:
        return Verdict("waiting", f"it stands in {around.queue.name}; no event ever named it")
    if around.watching is None:
        return Verdict("unknown", "nothing has been collected yet, so nothing can be said")
    return Verdict("never-seen", f"no event has named it since {rfc3339(around.watching)}, when watching began")


def _claimed(claimed: Claimed) -> Verdict:
    word = {"active": "running", "scheduled": "scheduled"}.get(claimed.state, "reserved")
    return Verdict(
        word, f"{claimed.worker} said at {rfc3339(claimed.asked_at)} that it is {claimed.state}; no event says so"
    )


def _open(task: Task, attempt: Attempt, around: Surroundings) -> Verdict:
    if around.denied is not None:
        said = f"{attempt.worker} took it, and said at {rfc3339(around.denied)} that it has it no more"
        return Verdict("unknown", f"{said}; what became of it was not heard")
    if attempt.state is AttemptState.STARTED:
        return _running(attempt, around)
    if attempt.state is AttemptState.RESERVED:
        return _reserved(task.eta, attempt, around)
    return _waiting(attempt, around)


def _waiting(attempt: Attempt, around: Surroundings) -> Verdict:
    since = _ago(attempt.published_at, around.at)
    if around.claimed:
        return _claimed(around.claimed)
    if around.held:
        return Verdict("reserved", f"published {since}; a consumer has it, unacknowledged")
    queue = around.queue
    if queue is None:
        return Verdict("waiting", f"published {since}; no worker has taken it")
    if around.stale:
        return Verdict("waiting", f"published {since}; whether a worker has taken it since cannot be seen now")
    if queue.latest.ready == 0 and queue.latest.at > (attempt.published_at or 0.0):
        return Verdict("unknown", f"published {since}; {queue.name} is empty now, and no event says who took it")
    takers = _takers(queue)
    return Verdict("waiting", f"published {since}; {queue.latest.ready:,} wait in {queue.name}, {takers}")


def _takers(queue: Queue) -> str:
    if queue.consumers is None:
        return "who consumes it is not known"
    count = len(queue.consumers)
    return (
        f"{count} worker{'' if count == 1 else 's'} consume{'s' if count == 1 else ''} it"
        if count
        else "nobody consumes it"
    )


def _reserved(due: str | None, attempt: Attempt, around: Surroundings) -> Verdict:
    worker = attempt.worker or "a worker"
    eta = _future(due, around.at)
    if eta:
        return _if_alive("scheduled", f"{worker} holds it until {eta}", around)
    return _if_alive("reserved", f"{worker} took it {_ago(attempt.received_at, around.at)}", around)


def _running(attempt: Attempt, around: Surroundings) -> Verdict:
    worker = attempt.worker or "a worker"
    return _if_alive("running", f"{worker} started it {_ago(attempt.started_at, around.at)}", around)


def _if_alive(word: str, said: str, around: Surroundings) -> Verdict:
    """The word holds only while its worker lives; else what became of the task is not known."""
    if around.liveness is None:
        return Verdict("unknown", f"{said}; nothing is known of that worker")
    if around.liveness.state == "alive":
        return Verdict(word, f"{said} and is alive: {around.liveness.because}")
    return Verdict("unknown", f"{said}, but that worker is {around.liveness.state}: {around.liveness.because}")


def _future(eta: str | None, at: float) -> str | None:
    if eta is None:
        return None
    try:
        due = parse_rfc3339(eta)
    except ValueError:
        return None
    return rfc3339(due) if due > at else None


def _ago(since: float | None, at: float) -> str:
    return "at an unknown time" if since is None else f"{max(0.0, at - since):.0f} s ago"
