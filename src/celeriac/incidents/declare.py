"""What a judgement adds to the ledger: of each task that is lost, held, given back or of unknown fate, why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celeriac.detectors import prose, task_held
from celeriac.detectors.dropped import dropped
from celeriac.detectors.fates import fates
from celeriac.detectors.losses import deathbeds, doubts, vanished
from celeriac.detectors.silenced import silenced
from celeriac.model.attempt import AttemptState
from celeriac.model.finding import Finding
from celeriac.model.ledger import Declaration, Term
from celeriac.model.task import Task
from celeriac.model.view import View

JUST_AFTER = 0.001
"""Seconds after the last that was heard of a task: whatever is heard later disproves its loss."""
SHOWN = 200
"""Characters of a reason that a task keeps (model/task.py)."""


def declarations(view: View, findings: Iterable[Finding]) -> tuple[Declaration, ...]:
    """One for each task; what is proven goes before what is in doubt, and that before what should be. A loss that
    stands as it was declared is not declared again."""
    found: dict[str, Declaration] = {}
    for one in (*_lost(view), *_held(findings), *_unknown(view), *_returned(view)):
        found.setdefault(one.task_id, one)
    told = {task.id: task for task in view.tasks if task.state is AttemptState.LOST}
    return tuple(one for one in found.values() if not _stands(one, told.get(one.task_id)))


def _lost(view: View) -> Iterator[Declaration]:
    for bed in deathbeds(view):
        for task in bed.lost:
            yield Declaration(task.id, Term.LOST, "early-ack", bed.because, _just_after(task, bed.fate.ending.at))
    for event in vanished(view):
        for one in event.absences:
            yield Declaration(one.task.id, Term.LOST, event.cause.slug, event.cause.because, _just_after(one.task))


def _just_after(task: Task, at: float = 0.0) -> float:
    return max(at, task.updated_at + JUST_AFTER)


def _held(findings: Iterable[Finding]) -> Iterator[Declaration]:
    for finding in findings:
        if finding.kind == task_held.KIND and finding.confidence != "possible":
            for task_id in finding.impact.held or ():
                yield Declaration(task_id, Term.HELD, finding.cause, _by_whom(finding), finding.since)


def _by_whom(finding: Finding) -> str:
    until = finding.impact.held_until
    owner = f"{finding.subject.worker}, which is dead" if finding.subject.worker else "a consumer that is no more"
    return f"held by {owner}" if until is None else f"held by {owner}, until {prose.clock(until)}"


def _returned(view: View) -> Iterator[Declaration]:
    """What the broker gave back waits in its queue again; nothing tells of that but the end of who had it."""
    for fate in fates(view):
        because = f"given back to its queue when {fate.ending.name} ended"
        for task in fate.requeued:
            yield Declaration(task.id, Term.WAITING, "", because, _just_after(task, fate.ending.at))
    for task in dropped(view):
        because = f"given back to its queue: {_receiver(task)} took it and does not have it any more"
        yield Declaration(task.id, Term.WAITING, "", because, _just_after(task))


def _receiver(task: Task) -> str:
    return (task.last.worker if task.last else None) or "a worker"


def _unknown(view: View) -> Iterator[Declaration]:
    for doubt in (*doubts(view), *silenced(view)):
        yield Declaration(doubt.task.id, Term.UNKNOWN, "", doubt.because, _just_after(doubt.task))


def _stands(declared: Declaration, task: Task | None) -> bool:
    """True for a loss that is in the task's history, for the same reason."""
    ending = None if task is None else task.ending
    return declared.term is Term.LOST and ending is not None and ending.text == declared.because[:SHOWN]
