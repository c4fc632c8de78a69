"""The dated facts that prove a death, most telling first."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.detectors import commands, prose
from celeriac.detectors.deaths import Death
from celeriac.detectors.deliveries import told_by
from celeriac.detectors.memory import fact
from celeriac.detectors.surroundings import surroundings
from celeriac.detectors.tail import tail
from celeriac.detectors.toll import growing, held_by
from celeriac.model.finding import Fact
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Worker

MOST = 6


def testimony(view: View, death: Death) -> tuple[Fact, ...]:
    """Up to six facts, in the order they happened."""
    ending = death.ending
    found = list(death.kill.facts if death.kill else death.cause.facts if death.cause else ())
    found += [fact(one) for one in (ending.trace.gone, ending.trace.container) if one is not None]
    found += surroundings(view, ending)
    found += [end.fact] if (end := tail(view, ending)) is not None else []
    found += [last_heartbeat(ending.life.worker)] if ending.life and ending.life.worker.heartbeat_seen else []
    found += _goodbye(death)
    found += [*_lost(death), *_queue(view, death), *_held(view, death)]
    return tuple(sorted(_distinct(found)[:MOST], key=lambda one: one.at))


def last_heartbeat(worker: Worker) -> Fact:
    """The newest heartbeat as a fact."""
    active = "" if worker.active is None else f", {prose.count(worker.active, 'task')} active"
    words = f"last heartbeat of {worker.node} (pid {worker.pid}, every {worker.frequency:g} s{active})"
    return Fact(worker.heartbeat_seen, "event", words, "celeriac workers")


def shown_by(task: Task, container: str | None) -> str:
    """The command that shows what became of a task, where its worker ran in `container`."""
    from_log = told_by(task) == "log" and container is not None
    return f"docker logs {container} 2>&1 | grep {task.id}" if from_log else f"celeriac task {task.id}"


def _goodbye(death: Death) -> list[Fact]:
    at = death.ending.goodbye_at
    if at is None:
        return []
    return [Fact(at, "event", f"{death.ending.name} said goodbye (worker-offline)", "celeriac workers")]


def _lost(death: Death) -> list[Fact]:
    for task in (death.fate.lost or ())[:1]:
        last = task.last
        at = (last.started_at or last.received_at if last else None) or task.updated_at
        came = "started" if last and last.started_at else "received"
        words = f"{task.name or 'a task'}[{task.id}] {came} there at {prose.instant(at)} and never ended"
        return [Fact(at, told_by(task), words, shown_by(task, death.ending.container))]
    return []


def _queue(view: View, death: Death) -> list[Fact]:
    for queue in death.queues[:1]:
        grows = growing(view, queue, death.ending.at)
        words = f"{queue.name}: {prose.number(queue.latest.ready)} waiting{grows}, nobody consumes it"
        return [Fact(queue.latest.at, "broker", words, commands.depth(queue))]
    return []


def _held(view: View, death: Death) -> list[Fact]:
    held = held_by(view, death)
    since = min((one.since for one in held if one.since is not None), default=None)
    if since is None:
        return []
    words = f"{prose.count(len(held), 'message')} delivered to it and never acknowledged, the oldest then"
    return [Fact(since, "broker", words, "redis-cli ZRANGE unacked_index 0 -1 WITHSCORES")]


def _distinct(facts: Iterable[Fact]) -> list[Fact]:
    return list(dict.fromkeys(facts))
