"""What the looks at a queue say of a time: whether messages stood there, and whether nothing did."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from celeriac.detectors.reading import once_per_view
from celeriac.model.view import View


def emptied(view: View, queue: str | None, after: float) -> float | None:
    """When the first look after then saw nothing in the queue, and nothing unacknowledged of it: what had stood there
    was taken. None where no look shows that."""
    times = _empty(view).get(queue, ())
    place = bisect_right(times, after)
    return times[place] if place < len(times) else None


def was_filled(view: View, queue: str, since: float) -> bool:
    """True when a look after then saw messages in it."""
    return _filled(view).get(queue, 0.0) > since


@once_per_view
def _empty(view: View) -> Mapping[str | None, tuple[float, ...]]:
    return {
        queue.name: tuple(one.at for one in queue.samples if one.ready == 0 and one.unacked == 0)
        for queue in view.queues
    }


@once_per_view
def _filled(view: View) -> Mapping[str, float]:
    return {queue.name: max((one.at for one in queue.samples if one.ready), default=0.0) for queue in view.queues}
