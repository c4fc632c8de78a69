"""task-lost: a task that was published and now stands nowhere, with no end, and what it was lost to."""

from __future__ import annotations

from collections import Counter

from celeriac.detectors import prose, remedies
from celeriac.detectors.absences import Absence
from celeriac.detectors.attendance import pops
from celeriac.detectors.base import Detector
from celeriac.detectors.deliveries import told_by
from celeriac.detectors.endings import Ending
from celeriac.detectors.fates import names_of
from celeriac.detectors.losses import KIND, Deathbed, Vanished, deathbeds, vanished
from celeriac.detectors.remedies import prevent_loss, publish_again, recover_lost
from celeriac.detectors.tail import is_whole, tail
from celeriac.detectors.testimony import shown_by
from celeriac.model.finding import Fact, Finding, Impact, Subject, Verify
from celeriac.model.task import Task
from celeriac.model.view import View

FACTS = 4


def judge(view: View) -> tuple[Finding, ...]:
    """One finding for each death that took tasks with it, and one for each event that made others vanish."""
    dead = [_of_death(view, one) for one in deathbeds(view)]
    return (*dead, *(_of_event(one) for one in vanished(view)))


def _of_death(view: View, bed: Deathbed) -> Finding:
    ending, end = bed.fate.ending, tail(view, bed.fate.ending)
    cost = Impact(lost=tuple(task.id for task in bed.lost), task_names=names_of(bed.lost))
    return Finding(
        kind=KIND,
        key=bed.key,
        severity="critical" if bed.death is not None else "info" if bed.was_told else "warning",
        confidence="certain" if bed.fate.surely_ran and is_whole(end) else "likely",
        subject=Subject(worker=ending.node, task_name=bed.lost[0].name, task_id=_only(bed.lost)),
        summary=f"{_were(bed.lost)} lost with {ending.name}: taken, not ended, {_nowhere(view)}",
        since=ending.at,
        cause="early-ack",
        evidence=(*(_taken(task, ending) for task in bed.lost[:FACTS]), *_not_held(view), *([end.fact] if end else ())),
        impact=cost,
        fix=(*recover_lost(cost), *publish_again(cost)),
        verify=_VERIFY,
        prevent=(remedies.LATE_ACK,),
        blind_spots=bed.fate.blind_spots,
        caused_by=bed.death.key if bed.death is not None else None,
    )


def _of_event(event: Vanished) -> Finding:
    cause = event.cause
    lost = tuple(one.task for one in event.absences)
    cost = Impact(lost=tuple(task.id for task in lost), task_names=names_of(lost))
    where = Subject(
        worker=cause.worker,
        queue=cause.queue or _only_queue(lost),
        task_name=lost[0].name,
        task_id=_only(lost),
        broker=None if cause.worker or cause.queue else "broker",
    )
    return Finding(
        kind=KIND,
        key=event.key,
        severity="critical",
        confidence=cause.confidence,
        subject=where,
        summary=f"{_were(lost)} lost: {cause.because}",
        since=cause.at,
        cause=cause.slug,
        evidence=(*cause.facts, *(_missed(one) for one in event.absences[:FACTS])),
        impact=cost,
        fix=(*recover_lost(cost), *publish_again(cost)),
        verify=_VERIFY,
        prevent=prevent_loss(cause.slug),
        caused_by=cause.caused_by,
    )


_VERIFY = (Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),)


def _were(lost: tuple[Task, ...]) -> str:
    return f"{prose.count(len(lost), 'task')} {'was' if len(lost) == 1 else 'were'}"


def _only(lost: tuple[Task, ...]) -> str | None:
    return lost[0].id if len(lost) == 1 else None


def _only_queue(lost: tuple[Task, ...]) -> str | None:
    queues = Counter(task.queue for task in lost)
    return next(iter(queues)) if len(queues) == 1 else None


def _taken(task: Task, ending: Ending) -> Fact:
    last = task.last
    at = (last.started_at or last.received_at if last else None) or task.updated_at
    words = f"{task.name or 'a task'}[{task.id}] {_had(task)}, no end since"
    return Fact(at, told_by(task), words, shown_by(task, ending.container))


def _had(task: Task) -> str:
    last = task.last
    if last is None or last.started_at is None:
        return "reserved"
    return "started and acknowledged" if last.acknowledged else "started"


def _nowhere(view: View) -> str:
    return "in no broker key" if pops(view) else "not at the broker any more"


def _not_held(view: View) -> tuple[Fact, ...]:
    look = view.broker
    if look is None or look.held is None:
        return ()
    words = f"not among the {prose.count(len(look.held), 'message')} delivered and not acknowledged"
    return (Fact(look.at, "broker", words, "redis-cli HVALS unacked"),)


def _missed(absence: Absence) -> Fact:
    task = absence.task
    known = (
        f"published {prose.instant(absence.after)}" if task.published_at else f"heard {prose.instant(absence.after)}"
    )
    words = f"{task.name or 'a task'}[{task.id}] {known}, in no broker key since this search and the next"
    return Fact(absence.until, "ledger", words, f"celeriac task {task.id}")


DETECTOR = Detector(KIND, judge, needs=frozenset({"broker", "events"}))
