"""When ordinary alert rules would have paged for a queue that nobody consumes: depth, consumers, age."""

from __future__ import annotations

from celeriac.model.finding import Paging
from celeriac.model.queue import Queue
from celeriac.model.view import View

DEPTH, DEPTH_FOR = 100, 1200.0
"""celery-mixin's CeleryHighQueueLength rule."""
NOBODY_FOR = 60.0
AGE = 300.0


def paging(view: View, queue: Queue, since: float) -> tuple[Paging, ...]:
    """Three rules for `queue`, which nobody consumes since `since`."""
    deep = _deep_since(queue, since)
    oldest = queue.latest.oldest_since if queue.latest.ready else None
    name = queue.name
    return (
        Paging(f"depth of {name}", "more than 100 waiting for 20 min", _reached(view, deep, DEPTH_FOR)),
        Paging(f"consumers of {name}", "none for 1 min", _reached(view, since, NOBODY_FOR)),
        Paging(f"oldest age in {name}", "older than 5 min", _reached(view, oldest, AGE)),
    )


def _reached(view: View, start: float | None, after: float) -> float | None:
    return start + after if start is not None and start + after <= view.at else None


def _deep_since(queue: Queue, since: float) -> float | None:
    """When the depth went over the rule's for good. Before the first look kept it is taken to have grown evenly."""
    start: float | None = None
    for sample in reversed(queue.samples):
        if sample.ready <= DEPTH:
            return start
        start = sample.at
    first = queue.samples[0]
    return since + (first.at - since) * DEPTH / first.ready if since < first.at else start
