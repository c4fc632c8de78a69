"""What was looked at and is well, with the figures that show it."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.consumption import consumed
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.ruled_out import broker
from celeriac.model.diagnosis import Healthy
from celeriac.model.finding import Finding
from celeriac.model.queue import Queue
from celeriac.model.view import View

MOST = 20
WINDOW = 60.0


def wellness(view: View, findings: tuple[Finding, ...]) -> tuple[Healthy, ...]:
    """The broker, queues that are empty or drain, workers that live and consume; nothing that a finding is about."""
    sick = {name for one in findings for name in (one.subject.worker, one.subject.queue) if name}
    queues = [_queue(queue) for queue in view.queues if queue.name not in sick and _is_well(view, queue)]
    workers = [_worker(view, life) for life in living(view) if life.worker.node not in sick]
    return (*_broker(view), *queues[:MOST], *workers[:MOST])


def _broker(view: View) -> tuple[Healthy, ...]:
    well = broker(view)
    return (Healthy("broker", well.why),) if well else ()


def _is_well(view: View, queue: Queue) -> bool:
    return bool(queue.samples) and (queue.latest.ready == 0 or consumed(view, queue) is True)


def _queue(queue: Queue) -> Healthy:
    ready = queue.latest.ready
    if ready == 0:
        return Healthy(f"queue {queue.name}", "empty")
    gained = queue.growth(min(WINDOW, max(4.0, queue.latest.at - queue.samples[0].at)))
    words = f"{prose.number(ready)} waiting"
    if gained is not None and gained < 0:
        words += f", draining {prose.rate(-gained)}, empty in {prose.span(ready / -gained)}"
    return Healthy(f"queue {queue.name}", f"{words}, consumed")


def _worker(view: View, life: Life) -> Healthy:
    age = prose.span(view.at - life.last_word)
    queues = f", consumes {prose.names(life.worker.queues)}" if life.worker.queues else ""
    state = "busy with a task" if life.cause == "busy" else "alive"
    return Healthy(f"worker {life.worker.node}", f"{state}, last heard {age} ago{queues}")
