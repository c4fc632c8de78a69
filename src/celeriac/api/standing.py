"""Where a task stands that has not ended: in its queue, on its worker, or nobody knows."""

from __future__ import annotations

from typing import NamedTuple

from celeriac.api.spans import ago, counted, later, size, span
from celeriac.api.surroundings import Claimed, Line, Surroundings
from celeriac.clock import rfc3339
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.queue import Queue
from celeriac.model.sighting import Place
from celeriac.model.task import Task

GROWTH_WINDOW = 15.0
"""Seconds over which a queue's drain is measured."""
NAMED = 3
"""Running tasks that are named in a sentence."""


class Verdict(NamedTuple):
    """One of CONTRACT's words, and the sentence that says why."""

    word: str
    because: str


def standing(task: Task, attempt: Attempt, around: Surroundings) -> Verdict:
    """The verdict on a task whose newest `attempt` is open."""
    if around.denied is not None:
        said = f"{attempt.worker} took it, and said at {rfc3339(around.denied)} that it has it no more"
        return Verdict("unknown", f"{said}; what became of it was not heard{_searched(around)}")
    if attempt.state is AttemptState.STARTED:
        return _running(attempt, around)
    if attempt.state is AttemptState.RESERVED:
        return _reserved(task.eta, attempt, around)
    return _waiting(task, attempt, around)


def claimed(said: Claimed) -> Verdict:
    """What a worker that was asked says of a task that its events leave open."""
    word = {"active": "running", "scheduled": "scheduled"}.get(said.state, "reserved")
    return Verdict(word, f"{said.worker} said at {rfc3339(said.asked_at)} that it is {said.state}; no event says so")


def _waiting(task: Task, attempt: Attempt, around: Surroundings) -> Verdict:
    published = attempt.published_at if attempt.published_at is not None else task.published_at
    since = f"published {ago(published, around.at)}"
    if around.claimed:
        return claimed(around.claimed)
    if around.held:
        return Verdict("reserved", f"{since}; a consumer has it, unacknowledged")
    aside = _aside(task, around)
    if aside:
        return Verdict(aside.word, f"{since}; {aside.because}")
    if around.queue is None:
        return Verdict("waiting", f"{since}; no worker has taken it")
    return _in_queue(around.queue, task, published, since, around)


def _in_queue(queue: Queue, task: Task, published: float | None, since: str, around: Surroundings) -> Verdict:
    if around.stale:
        return Verdict("waiting", f"{since}; whether a worker has taken it since cannot be seen now")
    if queue.latest.ready == 0 and queue.latest.at > (published or 0.0):
        because = f"{since}; {queue.name} is empty now, and no event says who took it{_searched(around)}"
        return Verdict("unknown", because)
    before = _before(task, around)
    wait = f"{queue.latest.ready:,} wait in {queue.name}{_position(before)}, {_takers(queue)}"
    return Verdict("waiting", f"{since}; {wait}{_turn(queue, before, around.pace)}")


def seen(task: Task, around: Surroundings) -> Place | None:
    """Where the newest search that could tell saw its message; None when the task was heard of since."""
    sighting = around.sighting
    if sighting is None or sighting.seen_at is None or sighting.absences or sighting.seen_at <= task.updated_at:
        return None
    return sighting.place


def _aside(task: Task, around: Surroundings) -> Verdict | None:
    """A message that a search saw in no queue of work."""
    place = seen(task, around)
    if place is None or place.where == "ready":
        return None
    if place.where == "dead-letter":
        return Verdict("dead", f"its message stands in the dead-letter queue {place.queue or 'of its broker'}")
    if place.where == "delayed":
        return Verdict("scheduled", "the broker keeps its message until it is due")
    return Verdict("reserved", "a consumer has its message, unacknowledged")


def _before(task: Task, around: Surroundings) -> int | None:
    """How many go before it: as a search counted, while that is true, else as they were published."""
    place, sighting = seen(task, around), around.sighting
    if place is None or place.position is None or sighting is None:
        return around.ahead
    late = around.at - sighting.looked_at > GROWTH_WINDOW
    return around.ahead if late and around.ahead is not None else place.position - 1


def _position(before: int | None) -> str:
    if before is None:
        return ""
    return f", {before:,} before it" if before else ", it is next"


def _turn(queue: Queue, before: int | None, pace: float | None) -> str:
    """When its turn comes, if workers go on to take what they take, or else the queue to shrink as it does."""
    growth = queue.growth(GROWTH_WINDOW)
    if before is None or queue.consumers == ():
        return ""
    rate = pace or (-growth if growth is not None else None)
    if rate is None:
        return ""
    if rate <= 0:
        return "; the queue gets no shorter, so when its turn comes cannot be told"
    told = f"{rate:,.1f}" if rate >= 1 else f"{rate:.2g}"
    return f"; its turn comes in about {span((before + 1) / rate)} at this rate ({told}/s)"


def _takers(queue: Queue) -> str:
    if queue.consumers is None:
        return "who consumes it is not known"
    count = len(queue.consumers)
    if not count:
        return "nobody consumes it"
    return f"{count} worker{'' if count == 1 else 's'} consume{'s' if count == 1 else ''} it"


def _searched(around: Surroundings) -> str:
    sighting = around.sighting
    if sighting is None:
        return ""
    if sighting.unsure:
        return f"; the broker was searched: {sighting.unsure}"
    if sighting.absences:
        times = "one full search" if sighting.absences == 1 else f"{sighting.absences} full searches"
        return f"; {times} of the broker saw it nowhere"
    return ""


def _reserved(due: str | None, attempt: Attempt, around: Surroundings) -> Verdict:
    worker = attempt.worker or "a worker"
    eta = later(due, around.at)
    if eta:
        return _if_alive("scheduled", f"{worker} holds it until {eta}", around)
    return _if_alive("reserved", f"{worker} took it {ago(attempt.received_at, around.at)}", around, _behind(around))


def _behind(around: Surroundings) -> str:
    line = around.line
    if line is None:
        return ""
    parts = [_busy(line, around.at)] if line.runs else []
    if line.before:
        parts.append(f"{counted(line.before, 'task')} before it")
    return f"; behind {' and '.join(parts)}" if parts else ""


def _busy(line: Line, at: float) -> str:
    named = [
        f"{one.name or one.task_id} (for {span(at - one.started_at)})" if one.started_at is not None else one.task_id
        for one in line.runs[:NAMED]
    ]
    more = len(line.runs) - len(named)
    told = ", ".join(named) + (f" and {more} more" if more else "")
    full = line.slots is not None and len(line.runs) >= line.slots
    return f"{told}, which fill{'s' if line.slots == 1 else ''} all {line.slots} slots" if full else told


def _running(attempt: Attempt, around: Surroundings) -> Verdict:
    worker = attempt.worker or "a worker"
    child = around.process.pid if around.process else attempt.child
    where = f"{worker}, child {child}," if child else worker
    return _if_alive(
        "running", f"{where} started it {ago(attempt.started_at, around.at)}", around, _unusual(attempt, around)
    )


def _unusual(attempt: Attempt, around: Surroundings) -> str:
    """How long it runs and what it takes, beside what its name usually does."""
    usual, process = around.usual, around.process
    parts = []
    if usual and usual.runtime is not None and attempt.started_at is not None:
        runs = around.at - attempt.started_at
        told = "longer than" if runs > usual.runtime else "within"
        parts.append(f"{told} the {span(usual.runtime)} that 95 % of the last {usual.runs:,} took")
    if process and process.rss is not None:
        usually = f" (95 % of its name take at most {size(usual.memory)})" if usual and usual.memory else ""
        parts.append(f"its process has {size(process.rss)}{usually}")
    return "".join(f"; {part}" for part in parts)


def _if_alive(word: str, said: str, around: Surroundings, more: str = "") -> Verdict:
    """The word holds while its worker lives; else what became of the task is not known. Whether a silent one lives is
    judged elsewhere, and declared: until then, or where it is merely busy, the task stands where it stood."""
    if around.liveness is None:
        return Verdict("unknown", f"{said}; nothing is known of that worker")
    if around.liveness.state == "alive":
        return Verdict(word, f"{said} and is alive: {around.liveness.because}{more}")
    if around.liveness.state == "silent":
        return Verdict(word, f"{said}; {around.liveness.because}{more}")
    return Verdict("unknown", f"{said}, but that worker is {around.liveness.state}: {around.liveness.because}")
