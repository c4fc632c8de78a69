"""queue-unconsumed: messages wait and nobody takes them."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors import commands, prose
from celeriac.detectors.base import Detector
from celeriac.detectors.consumption import all_heard, consumed, disconnected, idle_since
from celeriac.detectors.deaths import death_of
from celeriac.detectors.liveness import Life, Standing, lives, living
from celeriac.detectors.paging import paging
from celeriac.detectors.ruled_out import broker, publishers
from celeriac.detectors.toll import growing
from celeriac.model.finding import (
    Confidence,
    Fact,
    Finding,
    Fix,
    Impact,
    Prevent,
    Severity,
    Subject,
    Verify,
    finding_key,
)
from celeriac.model.queue import Queue
from celeriac.model.view import View

KIND = "queue-unconsumed"
PATIENCE = 15.0
"""Seconds without a consumer that a deploy or a planned restart may take."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who stopped taking: a death's or a silence's key, None when nobody is to blame; and since when."""

    key: str | None
    since: float
    facts: tuple[Fact, ...] = ()


def judge(view: View) -> tuple[Finding, ...]:
    """Every queue that has work, surely has nobody, and has had nobody for long enough."""
    found = []
    for queue in view.queues:
        if not queue.samples or queue.aside or queue.latest.ready == 0 or consumed(view, queue) is not False:
            continue
        culprit = _culprit(view, queue)
        if culprit.key is not None or view.at - culprit.since >= _patience(view, culprit):
            found.append(_finding(view, queue, culprit))
    return tuple(found)


def _patience(view: View, culprit: Culprit) -> float:
    """A one-shot look cannot wait: with nobody at the broker but workers that were heard, and no goodbye just now, it
    says so at once."""
    one_shot = view.server_age is None
    return 0.0 if one_shot and all_heard(view) and not culprit.facts else PATIENCE


def _culprit(view: View, queue: Queue) -> Culprit:
    death = death_of(view, queue.name)
    if death is not None:
        return Culprit(death.key, death.ending.at)
    served = [life for life in lives(view) if queue.name in (life.worker.queues or ())]
    stopped = [life for life in served if life.standing is Standing.SILENT and life.takes_work is False]
    if stopped:
        return Culprit(finding_key("worker", stopped[0].worker.node), stopped[0].last_word)
    left = [life for life in served if life.worker.said_goodbye()]
    gone = max((life.last_word for life in served), default=0.0)
    return Culprit(None, max(idle_since(queue), gone), tuple(_goodbye(life) for life in left[:1]))


def _goodbye(life: Life) -> Fact:
    at = life.worker.offline_at or life.last_word
    words = f"{life.worker.node} said goodbye at {prose.instant(at)}: a planned stop"
    return Fact(at, "event", words, "celeriac workers")


def _finding(view: View, queue: Queue, culprit: Culprit) -> Finding:
    ready, cause = queue.latest.ready, _cause(view, queue)
    rises = growing(view, queue, culprit.since)
    return Finding(
        kind=KIND,
        key=finding_key("queue", queue.name),
        severity=_severity(view, cause, rises),
        confidence=_confidence(view, culprit),
        subject=Subject(queue=queue.name),
        summary=f"nobody consumes {queue.name}: {prose.number(ready)} waiting{rises}",
        since=culprit.since,
        cause=cause,
        evidence=_evidence(view, queue, culprit),
        ruled_out=tuple(filter(None, (broker(view), publishers(view, (queue,), culprit.since)))),
        impact=Impact(waiting=ready, task_names=_names(queue)),
        fix=(Fix(f"celery -A PROJ worker -Q {queue.name}", "a worker that takes from this queue"),),
        verify=(
            Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),
            Verify(commands.depth(queue), "falls towards 0"),
        ),
        prevent=(_ROUTES,) if cause == "route" else (_ALERT,),
        paging=paging(view, queue, culprit.since),
        caused_by=culprit.key,
    )


_ROUTES = Prevent(
    "task_create_missing_queues",
    "False, with the queues listed in task_queues",
    "a mistyped route then raises where it is sent, instead of filling a queue that nobody reads",
)
_ALERT = Prevent("alert", "consumers = 0 for 1 min", "it fires long before depth or age do")


def _cause(view: View, queue: Queue) -> str:
    """Workers live, and none was ever told of this queue: the route is wrong, not the workers. Who took from it before
    we began to look cannot be told."""
    known = any(queue.name in (life.worker.queues or ()) for life in lives(view))
    return "route" if view.history and living(view) and not known else "no-worker"


def _severity(view: View, cause: str, rises: str) -> Severity:
    """A queue that stands still may be an abandoned one."""
    maybe_abandoned = cause == "route" or (not view.history and bool(living(view)))
    return "warning" if maybe_abandoned and not rises else "critical"


def _confidence(view: View, culprit: Culprit) -> Confidence:
    return "certain" if culprit.key is not None or disconnected(view) else "likely"


def _evidence(view: View, queue: Queue, culprit: Culprit) -> tuple[Fact, ...]:
    latest, look = queue.latest, view.broker
    words = f"{queue.name}: {prose.number(latest.ready)} waiting"
    found = [*culprit.facts, Fact(latest.at, "broker", words, commands.depth(queue))]
    age = queue.oldest_age(view.at)
    if age:
        oldest = f"the oldest message has waited for at least {prose.span(age)}"
        found.append(Fact(latest.at, "broker", oldest, commands.oldest(queue)))
    if look is not None and look.consumers is not None:
        blocking = sum(one.waiting for one in look.consumers)
        connected = f"{prose.count(blocking, 'connection')} blocking for messages, on any queue"
        found.append(Fact(look.at, "broker", connected, commands.consumers(queue)))
    takers = [life.worker.node for life in living(view)]
    others = f"living workers: {prose.names(takers)}; none takes {queue.name}" if takers else "no worker lives"
    found.append(Fact(view.at, "event", others, "celery -A PROJ inspect active_queues"))
    return tuple(found)


def _names(queue: Queue) -> tuple[tuple[str, int], ...]:
    """What waits, where only one name is known and the queue holds one message."""
    latest = queue.latest
    return ((latest.oldest_name, 1),) if latest.oldest_name and latest.ready == 1 else ()


DETECTOR = Detector(KIND, judge, needs=frozenset({"broker", "events"}))
