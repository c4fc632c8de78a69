"""Which task a killed pool child took with it, and when that is not known."""

from __future__ import annotations

from typing import Any

from celeriac.detectors.casualties import Casualties, casualties
from celeriac.detectors.liveness import living
from celeriac.detectors.memory import kills_of_children
from celeriac.model.task import Ending, Task
from celeriac.model.view import View
from celeriac.model.worker import Claim, Worker
from lab.views import NODE, NOW, PID, evidence, held, kernel_kill, look, process, task, view, worker

CHILD = PID + 5
KILLED = NOW - 40
LOSS = "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')"


def told(*tasks: Task, lines: int = 1, events: bool = False, **changes: Any) -> Casualties:
    """Of a child killed 40 seconds ago; the worker was asked 20 seconds ago and has nothing."""
    seen: View = view(
        workers=(changes.pop("worker", None) or _worker(events),),
        tasks=tasks,
        evidence=(
            process(children=[CHILD]),
            kernel_kill(CHILD, KILLED),
            *(
                evidence("log-line", "log", KILLED + 0.1 * number, nodes=(NODE,), signature="child-killed", line=LOSS)
                for number in range(lines)
            ),
        ),
        **changes,
    )
    (life,) = living(seen)
    kill = kills_of_children(seen, life)
    assert kill is not None
    return casualties(seen, life, kill)


def _worker(events: bool, **changes: Any) -> Worker:
    return worker(**({"task_event_seen": NOW - 1 if events else None} | changes))


def logged(task_id: str, at: float = KILLED - 1) -> Task:
    return task(task_id, (at, "received"), pid=0)


def ids(found: tuple[Task, ...] | None) -> list[str] | None:
    return None if found is None else [one.id for one in found]


def test_the_workers_own_event_names_it() -> None:
    failed = task("a", (KILLED - 1, "received"), (KILLED + 1, "failed"), ending=Ending(KILLED + 1, "failed", LOSS))
    found = told(failed, events=True)
    assert ids(found.failed) == ["a"] and {one.source for one in found.facts} == {"event"}


def test_an_idle_child_failed_nothing_when_events_would_have_told() -> None:
    assert told(events=True).failed == ()


def test_without_events_the_log_names_what_is_left_over() -> None:
    found = told(logged("a"))
    assert ids(found.failed) == ["a"] and {one.source for one in found.facts} == {"log"}


def test_what_the_broker_holds_or_the_worker_claims_is_not_left_over() -> None:
    has = _worker(events=False, claims=(Claim("c", "exports.csv", "active"),))
    found = told(logged("a"), logged("h"), logged("c"), worker=has, broker=look(held("h"), consumers=1))
    assert ids(found.failed) == ["a"]


def test_what_came_after_the_kill_is_not_its_victim() -> None:
    assert ids(told(logged("a"), logged("late", NOW - 5)).failed) == ["a"]


def test_more_left_over_than_losses_are_of_unknown_fate() -> None:
    found = told(logged("a"), logged("b"))
    assert found.failed is None and ids(found.unsure) == ["a", "b"] and found.blind_spots
    assert ids(told(logged("a"), logged("b"), lines=2).failed) == ["a", "b"]


def test_nothing_that_tells_is_unknown_and_not_nothing() -> None:
    assert told().failed is None and told().blind_spots
    assert told(logged("a"), lines=0).failed is None
    assert told(logged("a"), worker=_worker(events=False, claims=None)).failed is None
    assert told(logged("a"), worker=_worker(events=False, asked_at=KILLED - 5)).failed is None
    assert told(logged("a"), broker=look(consumers=1, held_complete=False)).failed is None
