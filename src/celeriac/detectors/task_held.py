"""task-held: messages a dead consumer keeps from running until the visibility timeout."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.deliveries import deliveries
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.fates import fates, held_until, names_of, visibility_timeout
from celeriac.detectors.liveness import living
from celeriac.detectors.remedies import TIMEOUT
from celeriac.detectors.strays import strays
from celeriac.detectors.toll import held_by, held_count
from celeriac.model.attempt import AttemptState
from celeriac.model.broker import Held
from celeriac.model.finding import Confidence, Fact, Finding, Fix, Impact, Severity, Subject, Verify, finding_key
from celeriac.model.view import View

KIND = "task-held"
ENDS_TOLD = 5.0
"""Seconds after an end by which its death is told, if it is one."""
_LIST = "redis-cli ZRANGE unacked_index 0 -1 WITHSCORES"


@dataclass(frozen=True, slots=True)
class Case:
    """What one dead consumer holds. `death` is None when it is in the past, or nobody knows whose it was."""

    held: tuple[Held, ...]
    count: int
    confidence: Confidence
    ending: Ending | None = None
    death: Death | None = None


def judge(view: View) -> tuple[Finding, ...]:
    """What each standing death holds, what past ones still hold, and what nobody alive can be holding."""
    return tuple(_finding(view, case) for case in _cases(view) if case.held)


def _cases(view: View) -> tuple[Case, ...]:
    told = deaths(view)
    stray = strays(view)
    found = [_of_death(view, death) for death in told]
    standing = {id(death.fate) for death in told}
    past = [fate for fate in fates(view) if fate.held and id(fate) not in standing and not _is_fresh(view, fate.ending)]
    found += [Case(fate.held, len(fate.held), _sure(fate.ending), fate.ending) for fate in past]
    if not told and not any(_is_fresh(view, ending) for ending in endings(view)):
        found.append(Case(stray.held, len(stray.held), stray.confidence))
    return tuple(found)


def _is_fresh(view: View, ending: Ending) -> bool:
    """True for an end that its own finding has yet to tell, and what it holds with it."""
    return view.at - ending.at < ENDS_TOLD


def _of_death(view: View, death: Death) -> Case:
    held = held_by(view, death)
    confidence = _sure(death.ending) if held == death.fate.held else strays(view).confidence
    return Case(held, held_count(view, death), confidence, death.ending, death)


def _sure(ending: Ending) -> Confidence:
    """Certain where the end was seen; a rescue acts on that. One concluded from silence may be of a worker that lost
    its connection, and works on."""
    return "likely" if ending.inferred else "certain"


def _finding(view: View, case: Case) -> Finding:
    owner = case.ending.name if case.ending else "broker"
    until = held_until(view, case.held, case.ending)
    return Finding(
        kind=KIND,
        key=finding_key(KIND, owner),
        severity=_severity(view, case),
        confidence=case.confidence,
        subject=Subject(worker=case.ending.node if case.ending else None, broker=None if case.ending else "broker"),
        summary=_summary(case, until),
        since=min((one.since for one in case.held if one.since is not None), default=view.at),
        cause=_cause(view, case.held),
        evidence=_evidence(view, case),
        impact=Impact(
            held=tuple(one.task_id or one.tag for one in case.held),
            held_count=case.count,
            held_until=until,
            task_names=names_of(case.held),
        ),
        fix=_fix(case),
        verify=(Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),),
        prevent=(TIMEOUT,),
        caused_by=case.death.key if case.death else None,
    )


def _fix(case: Case) -> tuple[Fix, ...]:
    wait = Fix("celery -A PROJ worker", "a living worker gives held messages back once their time is up")
    if case.confidence != "certain":
        return (wait,)
    whose = f" --worker {case.ending.node}" if case.ending is not None and case.ending.node else ""
    why = "shows what would go back into its queue now; without --dry-run it does"
    return (Fix(f"celeriac rescue{whose} --dry-run", why), wait)


def _severity(view: View, case: Case) -> Severity:
    """Where a worker lives they come back by themselves, at a known time: nobody has to act."""
    if case.death is not None:
        return "warning"
    return "info" if living(view) else "warning"


def _summary(case: Case, until: float | None) -> str:
    verb = "is" if case.count == 1 else "are"
    by = f"{case.ending.name}, which is dead" if case.ending else "a consumer that is no more"
    words = f"{prose.count(case.count, 'task')} {verb} held by {by}"
    return words if until is None else f"{words}, until {prose.clock(until)}"


def _cause(view: View, held: tuple[Held, ...]) -> str:
    """What most of them are: waiting for their time, started with late ack, or merely prefetched."""
    started = {task.id for task, last in deliveries(view) if last.state is AttemptState.STARTED}
    kinds = Counter("eta" if one.eta else "late-ack" if one.task_id in started else "prefetched" for one in held)
    return max(kinds.items(), key=lambda pair: (pair[1], pair[0]))[0]


def _evidence(view: View, case: Case) -> tuple[Fact, ...]:
    look = view.broker
    since = [one.since for one in case.held if one.since is not None]
    found = (
        [Fact(min(since), "broker", "the oldest of them was delivered then, and never acknowledged", _LIST)]
        if since
        else []
    )
    if look is not None:
        total = look.held_count if look.held_count is not None else len(look.held or ())
        words = f"{prose.count(total, 'message')} delivered and not acknowledged"
        found.append(Fact(look.at, "broker", words, "redis-cli HLEN unacked"))
    seconds, said = visibility_timeout(view, case.ending)
    origin = "as its worker said" if said else "assumed: kombu's default, no worker said otherwise"
    words = f"visibility timeout {prose.span(seconds)} ({origin})"
    found.append(Fact(view.at, "config", words, "celery -A PROJ inspect conf"))
    return tuple(found)


DETECTOR = Detector(KIND, judge, needs=frozenset({"broker"}))
