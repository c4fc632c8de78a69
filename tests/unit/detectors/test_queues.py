"""A queue is unconsumed only when that is known, and grows only when it does not keep up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors import queue_growing, queue_unconsumed
from celeriac.detectors.consumption import consumed
from celeriac.model.broker import Consumer
from celeriac.model.queue import Queue
from lab.views import NODE, NOW, dead_worker, gone, look, process, queue, sources, view, worker


def aged(*depths: int, age: float = 600.0, every: float = 1.0) -> Queue:
    found = queue(*depths, every=every)
    return replace(found, samples=tuple(replace(one, oldest_since=NOW - age) for one in found.samples))


def taken(**changes: Any) -> bool | None:
    seen = view(**{"queues": (queue(5, 5),), **changes})
    return consumed(seen, seen.queues[0])


def test_a_living_worker_that_names_the_queue_consumes_it() -> None:
    assert taken() is True


def test_a_living_worker_that_never_said_its_queues_leaves_it_unknown() -> None:
    assert taken(workers=(worker(queues=None),)) is None


def test_a_worker_of_other_queues_does_not_consume_it() -> None:
    assert taken(workers=(worker(queues=("mail",)),), queues=(queue(5, 5, consumers=()),)) is False


def test_no_connection_at_the_broker_is_nobody_whatever_heartbeats_say() -> None:
    assert taken(broker=look()) is False


def test_a_silent_worker_out_of_sight_leaves_it_unknown() -> None:
    assert taken(workers=(worker(heard=NOW - 9),), evidence=(), sources=sources("events")) is None


def test_a_frozen_worker_does_not_consume() -> None:
    assert taken(workers=(worker(heard=NOW - 9),), evidence=(process(state="T"),)) is False


def test_a_connection_of_somebody_unheard_leaves_it_unknown() -> None:
    assert taken(workers=(), queues=(queue(5, 5, consumers=()),), evidence=()) is None


def kinds(seen: Any) -> list[tuple[str, bool]]:
    return [(one.cause, one.caused_by is not None) for one in queue_unconsumed.judge(seen)]


def test_a_death_makes_it_a_consequence_at_once() -> None:
    assert kinds(dead_worker(depth=20)) == [("no-worker", True)]


@pytest.mark.parametrize(("ago", "told"), [(10, []), (16, [("no-worker", False)])])
def test_a_planned_stop_has_fifteen_seconds(ago: float, told: list[tuple[str, bool]]) -> None:
    left = worker(heard=NOW - ago - 0.5, offline_at=NOW - ago - 0.4)
    seen = dead_worker(workers=(left,), evidence=(gone(NOW - ago + 1),), queues=(queue(*[5] * 30, consumers=()),))
    assert kinds(seen) == told


def test_an_empty_queue_is_never_unconsumed() -> None:
    assert kinds(dead_worker()) == []


def test_a_goodbye_is_told_as_evidence() -> None:
    left = worker(heard=NOW - 60, offline_at=NOW - 59)
    (found,) = queue_unconsumed.judge(dead_worker(workers=(left,), evidence=(gone(NOW - 57),), depth=20))
    assert any("said goodbye at" in fact.fact for fact in found.evidence)


def test_a_quiet_abandoned_route_is_a_warning_a_filling_one_is_critical() -> None:
    quiet = view(queues=(queue(*[3] * 30, name="old", consumers=()),))
    filling = view(queues=(queue(*range(30), name="new", consumers=()),))
    assert [one.severity for one in queue_unconsumed.judge(quiet)] == ["warning"]
    assert [one.severity for one in queue_unconsumed.judge(filling)] == ["critical"]


def pattern(*depths: int, age: float = 600.0) -> list[str]:
    return [one.cause for one in queue_growing.judge(view(queues=(aged(*depths, age=age),)))]


def test_a_steady_climb_over_the_objective_is_under_provisioned() -> None:
    assert pattern(*range(100, 170)) == ["under-provisioned"]


def test_a_flat_old_queue_is_a_stuck_spike() -> None:
    assert pattern(*[100] * 70) == ["spike-stuck"]


def test_a_drain_of_hours_is_told_a_fast_one_is_calm() -> None:
    slow = [90_000 - at for at in range(70)]
    assert pattern(*slow) == ["spike-draining"]
    assert pattern(*range(7000, 0, -100)) == []


def test_a_young_queue_is_calm_however_it_grows() -> None:
    assert pattern(*range(0, 7000, 100), age=120) == []


def test_too_short_a_look_claims_no_trend() -> None:
    assert pattern(*range(100, 110)) == []


def test_an_unconsumed_queue_is_left_to_its_own_kind() -> None:
    lonely = replace(aged(*range(100, 170)), consumers=())
    assert queue_growing.judge(dead_worker(queues=(lonely,))) == ()


def test_consumers_that_only_the_broker_knows_count() -> None:
    assert taken(workers=(), queues=(queue(5, 5, consumers=("celery@far",)),), evidence=()) is True
    assert taken(queues=(queue(5, 5, consumers=(NODE,)),), workers=(worker(queues=("mail",)),)) is False


@pytest.mark.parametrize(("listening", "told"), [(2, ["no-worker"]), (3, [])])
def test_one_look_tells_of_a_queue_nobody_takes_when_everybody_at_the_broker_was_heard(
    listening: int, told: list[str]
) -> None:
    one_shot: dict[str, Any] = {"history": False, "observed": 7.0, "server_age": None}
    others = {"workers": (worker(queues=("mail",)),), "queues": (queue(*range(5, 12), consumers=()),)}
    whole = look(consumers=1)
    broker = replace(whole, consumers=(*(whole.consumers or ()), *_subscribed(listening - 1)))
    found = queue_unconsumed.judge(view(**one_shot, **others, broker=broker))
    assert [one.cause for one in found] == told


def _subscribed(count: int) -> tuple[Consumer, ...]:
    return tuple(Consumer(f"10.9.0.{number}:1", 600, False, True) for number in range(count))
