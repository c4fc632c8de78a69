"""Which held messages may go back to their queues, and why the others may not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from celeriac.brokers.base import Claim
from celeriac.detectors.fates import Fate, fates
from celeriac.detectors.task_held import KIND, judge
from celeriac.model.broker import Held
from celeriac.model.finding import Finding
from celeriac.model.incident import Incident
from celeriac.model.view import View
from celeriac.recovery.wish import Wish

CLOCKS_AGREE = 2.0
"""Seconds by which the host that saw a death and the consumer's clock may differ."""


@dataclass(frozen=True, slots=True)
class Step:
    """One held message. `worker` is the dead consumer, `started` whether the task had begun to run there, None when
    nobody said so. `claim` is what to put back, None for the reason in `refused`."""

    task_id: str
    name: str | None
    queue: str | None
    worker: str | None
    incident: str | None
    started: bool | None
    claim: Claim | None
    refused: str = ""

    def json(self) -> dict[str, Any]:
        """The step for people and scripts."""
        return {
            "task_id": self.task_id,
            "name": self.name,
            "queue": self.queue,
            "worker": self.worker,
            "started": self.started,
            "will": self.claim is not None,
            "because": self.refused or _REPEATS[self.started],
        }


_REPEATS = {
    False: "it never started",
    True: "it had started and was not acknowledged: its work is repeated",
    None: "nobody tells whether it had started: its work may be repeated",
}


def is_told(incidents: Iterable[Incident]) -> bool:
    """True when an open incident says with certainty that something is held: else there is nothing to plan."""
    return any(True for one in incidents if _stands(one) for _ in _certain(one.findings))


def plan(view: View, incidents: Iterable[Incident], wish: Wish) -> tuple[Step, ...]:
    """Every held message that `wish` means, oldest delivery first.

    A message goes back when an open incident says with certainty that a dead consumer holds it, the look that the view
    holds says so too, and it is the very delivery that the dead had: one delivered later is somebody else's.
    """
    open_in = {task_id: one.id for one in incidents if _stands(one) for task_id in _certain(one.findings)}
    found = [step for finding in judge(view) for step in _steps(view, finding, open_in)]
    return tuple(step for step in found if _is_meant(step, wish))


def _steps(view: View, finding: Finding, open_in: dict[str, str]) -> Iterator[Step]:
    look = view.broker.held if view.broker is not None else None
    listed = frozenset(finding.impact.held or ())
    held = [one for one in look or () if (one.task_id or one.tag) in listed]
    often = Counter(one.task_id for one in look or ())
    owners = {one.tag: fate for fate in fates(view) for one in fate.held}
    for one in sorted(held, key=lambda message: message.since or 0.0):
        incident = open_in.get(one.task_id or one.tag)
        refused = _refusal(finding, one, owners.get(one.tag), often[one.task_id], incident)
        yield Step(
            task_id=one.task_id or one.tag,
            name=one.name,
            queue=one.queue,
            worker=finding.subject.worker,
            incident=incident,
            started=_has_started(view, one, finding.subject.worker),
            claim=None if refused else _claim(one),
            refused=refused,
        )


def _refusal(finding: Finding, held: Held, fate: Fate | None, often: int, incident: str | None) -> str:
    """Why it may not go back, "" when it may."""
    if held.task_id is None or held.since is None:
        return "it carries no task id" if held.task_id is None else "when it was delivered is not known"
    if finding.confidence != "certain" or (fate is not None and fate.ending.inferred):
        return "its consumer is not proven dead: it is merely silent, or nobody saw its process end"
    if incident is None:
        return "no open incident says so yet"
    if often > 1:
        return f"{often} deliveries carry this id, and which is the dead consumer's cannot be told"
    if fate is not None and held.since > fate.ending.at + CLOCKS_AGREE:
        return "it was delivered again after the death"
    return ""


def _claim(held: Held) -> Claim | None:
    return None if held.task_id is None or held.since is None else Claim(held.tag, held.task_id, held.since)


def _has_started(view: View, held: Held, node: str | None) -> bool | None:
    """A solo pool runs a task before it says so: its silence tells nothing."""
    task = next((one for one in view.tasks if one.id == held.task_id), None)
    last = task.last if task is not None else None
    if last is None or last.received_at is None:
        return None
    if last.started_at is not None:
        return True
    solo = any(one.node == node and one.pool == "solo" for one in view.workers)
    return None if solo else False


def _stands(incident: Incident) -> bool:
    return incident.active and not incident.blind and incident.gone_since is None


def _certain(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        if one.kind == KIND and one.confidence == "certain":
            yield from one.impact.held or ()


def _is_meant(step: Step, wish: Wish) -> bool:
    return (
        wish.worker in (None, step.worker)
        and wish.task in (None, step.task_id)
        and wish.incident in (None, step.incident)
    )
