"""Which held messages may go back: those of a proven dead consumer, by the very delivery that it had."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from celeriac.detectors.task_held import judge
from celeriac.model.incident import Incident, IncidentState
from celeriac.model.view import View
from celeriac.model.wire import decode
from celeriac.recovery.rescue import Step, plan
from celeriac.recovery.wish import Wish

SCENARIOS = Path(__file__).parents[2] / "scenarios" / "task-held.json"
NODE = "celery@web-1"


def scene(name: str) -> View:
    cases = json.loads(SCENARIOS.read_text(encoding="utf-8"))["cases"]
    return decode(View, next(case["view"] for case in cases if case["name"].startswith(name)))


def planned(view: View, wish: Wish | None = None, incident: Incident | None = None) -> tuple[Step, ...]:
    findings = judge(scene("a dead worker's prefetched"))
    told = Incident("i1", "key", IncidentState.OPEN, view.at, view.at, findings, opened_at=view.at)
    return plan(view, [incident or told], wish or Wish())


def with_held(view: View, **changes: Any) -> View:
    """The view with its first held message changed."""
    assert view.broker is not None and view.broker.held is not None
    first, *rest = view.broker.held
    return replace(view, broker=replace(view.broker, held=(replace(first, **changes), *rest)))


def refused(view: View, task_id: str = "b0") -> str:
    return next(step.refused for step in planned(view) if step.task_id == task_id)


def test_what_a_dead_worker_had_prefetched_goes_back_by_tag_and_age() -> None:
    steps = planned(scene("a dead worker's prefetched"))
    assert [step.task_id for step in steps] == ["b0", "b1", "b2", "b3"]
    assert {(step.worker, step.queue, step.started, step.incident) for step in steps} == {(NODE, "celery", False, "i1")}
    assert all(step.claim is not None and step.claim.tag == f"tag-{step.task_id}" for step in steps)


def test_what_had_started_is_said_to_repeat_work() -> None:
    view = scene("a dead worker's prefetched")
    first, *rest = view.tasks
    mark = first.marks[0]._replace(at=first.marks[0].at + 1, step=3, what="started")
    began = replace(first, marks=(*first.marks, mark))
    step = planned(replace(view, tasks=(began, *rest)))[0]
    assert (step.started, step.claim is not None) == (True, True)
    assert "repeated" in step.json()["because"]


@pytest.mark.parametrize(
    ("wish", "count"),
    [(Wish(worker=NODE), 4), (Wish(worker="other@web-2"), 0), (Wish(task="b2"), 1), (Wish(incident="i2"), 0)],
)
def test_only_what_was_asked_for(wish: Wish, count: int) -> None:
    assert len(planned(scene("a dead worker's prefetched"), wish)) == count


def test_a_delivery_after_the_death_is_somebody_elses() -> None:
    view = scene("a dead worker's prefetched")
    steps = planned(with_held(view, since=view.at - 1))
    assert [step.task_id for step in steps if step.claim is not None] == ["b1", "b2", "b3"]


def test_an_id_that_is_held_twice_is_left_alone() -> None:
    view = with_held(scene("a dead worker's prefetched"), task_id="b1")
    assert "2 deliveries carry this id" in refused(view, "b1")


def test_a_message_of_unknown_age_is_left_alone() -> None:
    assert "not known" in refused(with_held(scene("a dead worker's prefetched"), since=None))


def test_a_death_that_nobody_saw_is_not_proven() -> None:
    steps = planned(scene("nobody lives and events were off"))
    assert steps
    assert all("not proven dead" in step.refused for step in steps)


def test_without_an_open_incident_nothing_goes_back() -> None:
    view = scene("a dead worker's prefetched")
    pending = Incident("i1", "key", IncidentState.PENDING, view.at, view.at, judge(view))
    assert {step.refused for step in planned(view, incident=pending)} == {"no open incident says so yet"}


def test_while_the_broker_cannot_be_seen_nothing_is_planned() -> None:
    assert planned(replace(scene("a dead worker's prefetched"), broker=None)) == ()


def test_what_a_living_worker_holds_is_never_planned() -> None:
    assert planned(scene("calm: a living worker's")) == ()
