"""queue-growing: consumed, but the oldest message waits beyond the objective and the queue does not drain."""

from __future__ import annotations

from celeriac.detectors import commands, prose
from celeriac.detectors.base import Detector
from celeriac.detectors.consumption import consumed
from celeriac.detectors.ruled_out import broker
from celeriac.model.finding import Confidence, Fact, Finding, Fix, Impact, Prevent, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.queue import Queue
from celeriac.model.view import View

KIND = "queue-growing"
OBJECTIVE = 300.0
"""Seconds the oldest message may wait."""
WINDOW = 60.0
LONG = 600.0
SLOW_DRAIN = 3600.0
STILL = 0.01
"""Messages per second below which a queue counts as standing still."""


def judge(view: View) -> tuple[Finding, ...]:
    """Queues of work over the objective that grow, stand still, or would take over an hour to drain."""
    found = []
    for queue in view.queues:
        if not queue.samples or queue.aside or queue.latest.ready == 0:
            continue
        served = consumed(view, queue)
        cause = _cause(view, queue) if served is not False else None
        if cause is not None:
            found.append(_finding(view, queue, cause, "likely" if served else "possible"))
    return tuple(found)


def _cause(view: View, queue: Queue) -> str | None:
    """The pattern, None while it is calm."""
    gained, age = queue.growth(WINDOW), queue.oldest_age(view.at)
    if gained is None:
        return None
    if age is None:
        return "under-provisioned" if _climbs(queue, LONG) else None
    if age <= OBJECTIVE:
        return None
    if _climbs(queue, WINDOW):
        return "under-provisioned"
    if abs(gained) <= STILL:
        return "spike-stuck"
    return "spike-draining" if gained < 0 and queue.latest.ready / -gained > SLOW_DRAIN else None


def _climbs(queue: Queue, seconds: float) -> bool:
    """True when both halves of the window gained: one burst is no trend."""
    window = queue.since(queue.latest.at - seconds)
    if window[-1].at - window[0].at < seconds * 0.9:
        return False
    middle = window[len(window) // 2]
    return window[0].ready < middle.ready < window[-1].ready


def _finding(view: View, queue: Queue, cause: str, confidence: Confidence) -> Finding:
    latest, age = queue.latest, queue.oldest_age(view.at)
    return Finding(
        kind=KIND,
        key=finding_key("queue", queue.name),
        severity="warning",
        confidence=confidence,
        subject=Subject(queue=queue.name),
        summary=f"{queue.name} does not keep up: {prose.number(latest.ready)} waiting{_waited(age)}, {_pace(queue)}",
        since=latest.oldest_since + OBJECTIVE if latest.oldest_since else queue.samples[0].at,
        cause=cause,
        evidence=_evidence(queue, age),
        ruled_out=tuple(filter(None, (broker(view),))),
        impact=Impact(waiting=latest.ready),
        fix=(Fix(f"celery -A PROJ worker -Q {queue.name}", "one more worker on this queue"),),
        verify=(Verify(f"celeriac diagnose --for 60 --only {KIND}", "no finding, exit code 0"),),
        prevent=(Prevent("worker concurrency on this queue", "above arrivals x run time", "work keeps up by itself"),),
    )


def _waited(age: float | None) -> str:
    return "" if age is None else f", the oldest for {prose.span(age)}"


def _pace(queue: Queue) -> str:
    gained = queue.growth(WINDOW) or 0.0
    if gained > STILL:
        return f"growing {prose.rate(gained)}"
    if gained < -STILL:
        return f"draining {prose.rate(-gained)}, empty in {prose.span(queue.latest.ready / -gained)}"
    return "standing still"


def _evidence(queue: Queue, age: float | None) -> tuple[Fact, ...]:
    how, latest = commands.depth(queue), queue.latest
    first = queue.since(latest.at - WINDOW)[0]
    found = [
        Fact(first.at, "broker", f"{queue.name}: {prose.number(first.ready)} waiting", how),
        Fact(latest.at, "broker", f"{queue.name}: {prose.number(latest.ready)} waiting", how),
    ]
    if age is not None and latest.oldest_since is not None:
        words = f"{latest.oldest_name or 'a message'}[{latest.oldest_id or '?'}] waits since then, first in line"
        found.append(Fact(latest.oldest_since, "broker", words, commands.oldest(queue)))
    return tuple(found)


DETECTOR = Detector(KIND, judge, needs=frozenset({"broker"}), patience=Patience(hold=10.0, keep_open=30.0))
