"""Open tasks by who had them last: every reading of tasks starts here, so that each history is folded once a view."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from celeriac.detectors.reading import once_per_view
from celeriac.model.attempt import Attempt, AttemptState
from celeriac.model.task import Task
from celeriac.model.view import View

Owner = tuple[str | None, int | None]
Delivery = tuple[Task, Attempt]
NAMELESS: Owner = (None, None)
"""Whose deliveries are when a log never named its worker: its lines are all there is, and one worker's at that."""


@once_per_view
def deliveries(view: View) -> tuple[Delivery, ...]:
    """Every task that somebody received or started, with its newest delivery."""
    found = ((task, task.last) for task in view.tasks)
    return tuple((task, last) for task, last in found if last is not None and _taken_at(last) is not None)


@once_per_view
def _open(view: View) -> Mapping[Owner, tuple[Delivery, ...]]:
    found: dict[Owner, list[Delivery]] = {}
    for task, last in deliveries(view):
        if not last.state.ended or last.state is AttemptState.LOST:  # declared lost is not heard to have ended
            found.setdefault((last.worker, last.pid), []).append((task, last))
    return {owner: tuple(had) for owner, had in found.items()}


def open_on(view: View, node: str | None, pid: int | None, before: float = inf) -> tuple[Task, ...]:
    """Tasks whose newest delivery went to this node and pid before `before` (its clock) and has no end."""
    had = _open(view).get((node, pid), ())
    return tuple(task for task, last in had if (_taken_at(last) or 0.0) < before)


def hearsay_of(view: View, node: str | None) -> tuple[Task, ...]:
    """Open tasks that a log or the result backend ties to `node`, without a pid; or a log that names no node at all."""
    return (*open_on(view, node, 0), *open_on(view, *NAMELESS))


def named_by_hearsay(view: View) -> str | None:
    """The one node that logs and results speak of; None when they speak of none or several."""
    nodes = {node for node, pid in _open(view) if node is not None and pid == 0}
    return nodes.pop() if len(nodes) == 1 else None


def told_by(task: Task) -> str:
    """Where the newest delivery is known from: the worker's own events have its pid, what else tells of it has none,
    and of that a log never sees a start, which a result shows."""
    last = task.last
    if last is None or last.pid:
        return "event"
    return "log" if last.started_at is None else "ledger"


def runs_on(view: View, node: str, pid: int) -> bool:
    """True when a task was seen to start on this life, and not to end."""
    return any(last.state is AttemptState.STARTED for _, last in _open(view).get((node, pid), ()))


def _taken_at(last: Attempt) -> float | None:
    return last.started_at or last.received_at
