"""task-lost: a task that a dead worker had taken, that ended nowhere and that no broker key holds."""

from __future__ import annotations

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.deliveries import told_by
from celeriac.detectors.endings import Ending
from celeriac.detectors.fates import Fate, fates, names_of
from celeriac.detectors.tail import is_whole, tail
from celeriac.detectors.testimony import shown_by
from celeriac.model.finding import Fact, Finding, Impact, Subject, Verify, finding_key
from celeriac.model.task import Task
from celeriac.model.view import View

KIND = "task-lost"
TOLD_AFTER = 3.0
"""Seconds between an end that was seen and the next life, after which the death itself has told its losses."""
STANDS = 300.0
FACTS = 4


def judge(view: View) -> tuple[Finding, ...]:
    """The losses of each standing death, and those of ends that a quick restart hid."""
    standing = {id(death.fate): death for death in deaths(view)}
    found = []
    for fate in fates(view):
        death = standing.get(id(fate))
        if fate.lost and (death is not None or _hidden(view, fate.ending)):
            found.append(_finding(view, fate, fate.lost, death))
    return tuple(found)


def _hidden(view: View, ending: Ending) -> bool:
    """True when the node came up again before its end could be told; told then for some minutes."""
    if ending.heir is None:
        return False
    worker = ending.heir.worker
    back = max(worker.first_seen, worker.online_at or 0.0)
    told = not ending.inferred and back - ending.at >= TOLD_AFTER
    return not told and view.at - back < STANDS


def _finding(view: View, fate: Fate, lost: tuple[Task, ...], death: Death | None) -> Finding:
    ending, end = fate.ending, tail(view, fate.ending)
    cost = Impact(lost=tuple(task.id for task in lost), task_names=names_of(lost))
    verb = "was" if len(lost) == 1 else "were"
    return Finding(
        kind=KIND,
        key=finding_key(KIND, ending.name),
        severity="critical" if death is not None else "warning",
        confidence="certain" if fate.surely_ran and is_whole(end) else "likely",
        subject=Subject(worker=ending.node, task_name=lost[0].name, task_id=lost[0].id if len(lost) == 1 else None),
        summary=f"{prose.count(len(lost), 'task')} {verb} lost with {ending.name}: taken, not ended, in no broker key",
        since=ending.at,
        cause="early-ack",
        evidence=(*(_taken(task, ending) for task in lost[:FACTS]), *_absent(view), *([end.fact] if end else ())),
        impact=cost,
        fix=remedies.recover_lost(cost),
        verify=(Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),),
        prevent=(remedies.LATE_ACK,),
        blind_spots=fate.blind_spots,
        caused_by=death.key if death is not None else None,
    )


def _taken(task: Task, ending: Ending) -> Fact:
    last = task.last
    at = (last.started_at or last.received_at if last else None) or task.updated_at
    words = f"{task.name or 'a task'}[{task.id}] {task.state.value}, no end since"
    return Fact(at, told_by(task), words, shown_by(task, ending.container))


def _absent(view: View) -> tuple[Fact, ...]:
    look = view.broker
    if look is None or look.held is None:
        return ()
    words = f"not among the {prose.count(len(look.held), 'message')} delivered and not acknowledged"
    return (Fact(look.at, "broker", words, "redis-cli HVALS unacked"),)


DETECTOR = Detector(KIND, judge, needs=frozenset({"broker", "events"}))
