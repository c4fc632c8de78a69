"""The evidence for a verdict on one task: each fact with its time, its source and what shows it."""

from __future__ import annotations

from collections.abc import Iterator

from celeriac.api.liveness import clause
from celeriac.api.standing import GROWTH_WINDOW
from celeriac.api.surroundings import Surroundings
from celeriac.model.finding import Fact
from celeriac.model.mark import Mark, heard_once
from celeriac.model.sighting import Sighting
from celeriac.model.task import Task

NEWEST = 3
"""Marks that are told as evidence; the timeline has all."""


def proofs(task: Task, around: Surroundings) -> tuple[Fact, ...]:
    """What the verdict on `task` rests on, in the order of time."""
    return tuple(
        sorted((*_marks(task, around), *_broker(task, around), *_worker(task, around)), key=lambda fact: fact.at)
    )


def _marks(task: Task, around: Surroundings) -> Iterator[Fact]:
    for mark in heard_once(task.marks)[-NEWEST:]:
        where = f" on {mark.worker}" if mark.worker else ""
        child = f", child {mark.child}" if mark.child else ""
        detail = f": {mark.detail}" if mark.detail else ""
        source, how = _told(mark)
        yield Fact(mark.at, source, f"{mark.what}{where}{child}{detail}", how)
    if not task.marks and around.watching is not None:
        yield Fact(around.watching, "ledger", "watching began; no event has named it since", "celeriac status")


def _told(mark: Mark) -> tuple[str, str]:
    """Who told of `mark`, and where that can be read again."""
    if mark.what == "lost":
        return "ledger", "celeriac incidents"
    if mark.what == "queued":
        return "ledger", "GET /api/v1/audit"
    source, where = ("worker", "its recorder's stream") if mark.inside else ("event", "Celery's events")
    return source, f"task-{mark.what} in {where}"


def _broker(task: Task, around: Surroundings) -> Iterator[Fact]:
    if around.called_off is not None:
        yield Fact(
            around.called_off,
            "broker",
            "the result backend has it as REVOKED",
            f"redis-cli -u RESULT_BACKEND_URL GET celery-task-meta-{task.id}",
        )
    if around.sighting is not None:
        yield _sighted(around.sighting)
    if around.held is not None and around.held.since is not None:
        yield Fact(
            around.held.since,
            "broker",
            f"delivered and not acknowledged{', a redelivery' if around.held.redelivered else ''}",
            f"redis-cli -u BROKER_URL HGET unacked {around.held.tag}",
        )
    queue = around.queue
    if queue is not None and task.last is not None and not task.state.ended:
        growth = queue.growth(GROWTH_WINDOW)
        moved = "" if growth is None else f", {growth:+.1f}/s"
        yield Fact(queue.latest.at, "broker", f"{queue.latest.ready:,} wait in {queue.name}{moved}", "celeriac queues")
    if around.ahead is not None:
        yield Fact(
            around.at,
            "ledger",
            f"{around.ahead:,} that were published earlier wait there",
            f"celeriac tasks 'state:waiting queue:{task.queue}'",
        )


def _sighted(sighting: Sighting) -> Fact:
    how = "a read-only search of the broker's queues"
    place = sighting.place
    if sighting.unsure:
        return Fact(sighting.looked_at, "broker", f"could not be looked for: {sighting.unsure}", how)
    if place is None:
        times = "" if sighting.absences == 1 else f" {sighting.absences} times in a row"
        return Fact(sighting.looked_at, "broker", f"looked for{times} and seen nowhere", how)
    position = f", position {place.position:,}" if place.position is not None else ""
    return Fact(sighting.looked_at, "broker", f"seen {place.where} in {place.queue or 'the broker'}{position}", how)


def _worker(task: Task, around: Surroundings) -> Iterator[Fact]:
    last = task.last
    worker = last.worker if last else None
    if around.claimed is not None:
        claimed = around.claimed
        how = f"celery -b BROKER_URL inspect {claimed.state} -d {claimed.worker}"
        yield Fact(claimed.asked_at, "worker", f"{claimed.worker} lists it as {claimed.state}", how)
    if around.denied is not None:
        yield Fact(
            around.denied,
            "worker",
            f"{worker} lists all it has, without it",
            f"celery -b BROKER_URL inspect active -d {worker}",
        )
    if around.liveness is not None and last is not None and not last.state.ended:
        because = around.liveness.because
        said = because if because.startswith(f"{worker} ") else f"{worker} is {around.liveness.state}: {because}"
        yield Fact(around.at, "worker", said, "celeriac workers")
    if around.process is not None and around.process.rss is not None:
        process = around.process
        yield Fact(
            process.at, "process", f"child {process.pid} has {process.rss:,} bytes", f"ps -o rss= -p {process.pid}"
        )
    for role in around.roles:
        yield Fact(
            around.at,
            "ledger",
            f"{role.name.replace('_', ' ')}: {clause(role.summary)}",
            f"celeriac incident {role.incident}",
        )
