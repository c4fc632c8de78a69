"""Who is alive, quiet, silent, gone by plan, or dead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors.liveness import Standing, lives, living
from celeriac.model.broker import Consumer
from celeriac.model.source import SourceMark
from celeriac.model.worker import Worker
from lab.views import NODE, NOW, container, gone, look, process, sources, task, view, worker


def standing(**changes: Any) -> tuple[Standing, str]:
    life = lives(view(**changes))[0]
    return life.standing, life.cause


def test_a_heartbeat_makes_alive() -> None:
    assert standing() == (Standing.ALIVE, "")


def test_a_process_that_runs_beats_a_missing_heartbeat() -> None:
    heard = (worker(heard=NOW - 7),)
    assert standing(workers=heard, broker=look())[0] is Standing.QUIET
    assert standing(workers=heard, broker=look(), evidence=(), sources=sources("events"))[0] is Standing.ENDED


def test_a_process_that_is_gone_beats_a_fresh_heartbeat() -> None:
    assert standing(evidence=(gone(NOW - 0.5),))[0] is Standing.ENDED


def test_a_goodbye_is_a_planned_leave() -> None:
    assert standing(workers=(worker(heard=NOW - 9, offline_at=NOW - 8),))[0] is Standing.LEFT


def test_a_slow_heart_gets_the_time_its_frequency_needs() -> None:
    assert standing(workers=(worker(heard=NOW - 20, frequency=10.0),))[0] is Standing.ALIVE


def test_nobody_is_silent_before_we_listened_long_enough() -> None:
    assert standing(workers=(worker(heard=NOW - 3000),), observed=3.0)[0] is Standing.ALIVE


def test_nobody_is_silent_while_we_are_deaf() -> None:
    stale = SourceMark("events", NOW - 30, "refused", "down", NOW - 29)
    marks = (*sources("broker", "process"), stale)
    assert standing(workers=(worker(heard=NOW - 31),), sources=marks)[0] is Standing.ALIVE


@pytest.mark.parametrize(
    ("state", "cause"),
    [({"state": "T"}, "frozen"), ({"wchan": "pipe_write"}, "log-pipe"), ({"state": "R"}, "busy"), ({}, "unknown")],
)
def test_the_process_tells_why_it_is_silent(state: dict[str, Any], cause: str) -> None:
    assert standing(workers=(worker(heard=NOW - 9),), evidence=(process(**state),)) == (Standing.SILENT, cause)


def test_a_stopped_process_is_frozen_after_five_seconds() -> None:
    assert standing(workers=(worker(heard=NOW - 4),), evidence=(process(state="T"),))[0] is Standing.ALIVE
    assert standing(workers=(worker(heard=NOW - 5.5),), evidence=(process(state="T"),))[0] is Standing.SILENT


def test_running_excuses_silence_for_five_minutes_only() -> None:
    found = standing(workers=(worker(heard=NOW - 400),), evidence=(process(state="R"),))
    assert found == (Standing.SILENT, "unknown")


def test_a_solo_worker_with_a_started_task_is_busy_even_unseen() -> None:
    running = task("t", (NOW - 400, "received"), (NOW - 400, "started"))
    remote: dict[str, Any] = {"evidence": (), "sources": sources("events")}
    solo = (worker(heard=NOW - 400, pool="solo"),)
    assert standing(workers=solo, tasks=(running,), **remote) == (Standing.SILENT, "busy")
    assert standing(workers=solo, **remote) == (Standing.SILENT, "unknown")


def test_task_events_without_heartbeats_are_heartbeats_turned_off() -> None:
    beating_not = worker(heard=NOW - 100, task_event_seen=NOW - 1)
    assert standing(workers=(beating_not,)) == (Standing.SILENT, "heartbeats-off")
    assert len(living(view(workers=(beating_not,)))) == 1


def test_fewer_subscriptions_than_speaking_workers_prove_the_silent_one_gone() -> None:
    pair = (worker("celery@b", 7), worker(heard=NOW - 9))
    unseen: dict[str, Any] = {"workers": pair, "evidence": (), "sources": sources("events")}
    alone = look(consumers=1)
    assert {life.standing for life in lives(view(broker=alone, **unseen))} == {Standing.ALIVE, Standing.ENDED}
    more = look(consumers=2)
    assert {life.standing for life in lives(view(broker=more, **unseen))} == {Standing.ALIVE, Standing.SILENT}


def test_a_monitor_that_subscribes_does_not_prove_life_but_prevents_certainty() -> None:
    watching = replace(look(), consumers=(Consumer("10.0.0.9:1", 50, False, True),))
    found = standing(workers=(worker(heard=NOW - 9),), evidence=(), sources=sources("events"), broker=watching)
    assert found[0] is Standing.SILENT


def test_a_node_that_came_up_again_ended_its_earlier_life() -> None:
    newer = Worker(NODE, 5000, NOW - 35, NOW - 1, NOW - 1)
    both = view(workers=(worker(heard=NOW - 40), newer), evidence=())
    found = {life.worker.pid: life.standing for life in lives(both)}
    assert found == {4121: Standing.ENDED, 5000: Standing.ALIVE}


def test_an_exited_container_ends_the_life_in_it() -> None:
    box = container(finished=NOW - 3)
    assert standing(workers=(worker(heard=NOW - 4),), evidence=(box,), sources=sources("docker"))[0] is Standing.ENDED


def test_what_only_a_log_names_is_no_life() -> None:
    named = worker(pid=0, heard=0.0, online_at=None, asked_at=None, task_event_seen=NOW)
    assert lives(view(workers=(named,))) == ()
