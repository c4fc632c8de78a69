"""The verdict, what is well, and what was not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest

from celeriac.detectors import BUILTIN, Detector
from celeriac.incidents.diagnosis import diagnose
from celeriac.model.finding import BlindSpot
from celeriac.model.source import SourceMark
from celeriac.model.view import View
from lab.views import NOW, dead_worker, held, kernel_kill, look, process, queue, sources, view, worker


def test_a_warning_or_worse_is_a_problem() -> None:
    assert diagnose(dead_worker(kernel_kill(), depth=20), BUILTIN).verdict == "problem"


def test_all_is_well_with_figures() -> None:
    found = diagnose(view(queues=(queue(*range(500, 200, -10)),)), BUILTIN)
    assert found.verdict == "healthy"
    facts = {one.what: one.fact for one in found.healthy}
    assert facts["broker"].startswith("answers PING in 0.4 ms")
    assert facts["queue celery"] == "210 waiting, draining 10/s, empty in 21 s, consumed"
    assert facts["worker celery@web-1"] == "alive, last heard 1 s ago, consumes celery"


def test_a_mere_note_leaves_it_healthy() -> None:
    muted = view(workers=(worker(task_event_seen=None),))
    found = diagnose(muted, BUILTIN)
    assert [one.kind for one in found.findings] == ["events-disabled"] and found.verdict == "healthy"


def test_messages_that_return_by_themselves_leave_it_healthy_and_told() -> None:
    back = view(workers=(worker(online_at=NOW - 60),), broker=look(held("b", NOW - 300), consumers=1))
    found = diagnose(replace(back, evidence=(process(started=NOW - 61),)), BUILTIN)
    assert [one.kind for one in found.findings] == ["task-held"] and found.verdict == "healthy"


def test_a_broker_not_seen_is_unknown_not_healthy() -> None:
    assert diagnose(view(broker=None), BUILTIN).verdict == "unknown"


@pytest.mark.parametrize(("cause", "verdict"), [("down", "problem"), ("network", "problem"), ("auth", "unknown")])
def test_a_password_of_ours_that_is_refused_says_nothing_about_the_system(cause: str, verdict: str) -> None:
    marks = tuple(SourceMark(name, NOW - 9, "refused", cause, NOW - 9) for name in ("broker", "events"))
    found = diagnose(view(broker=None, sources=marks), BUILTIN, only="broker-unreachable")
    assert [one.cause for one in found.findings] == [cause]
    assert found.verdict == verdict


def test_workers_of_whom_nothing_can_be_said_are_unknown() -> None:
    assert diagnose(view(workers=(), evidence=()), BUILTIN).verdict == "unknown"


def test_nothing_connected_and_nothing_waiting_is_healthy() -> None:
    assert diagnose(view(workers=(), evidence=(), broker=look()), BUILTIN).verdict == "healthy"


def test_only_keeps_one_kind_and_judges_by_it() -> None:
    dead = dead_worker(kernel_kill(), depth=20)
    kept = diagnose(dead, BUILTIN, only="queue-unconsumed")
    assert [one.kind for one in kept.findings] == ["queue-unconsumed"]
    assert diagnose(dead, BUILTIN, only="monitor-gap").verdict == "healthy"


def test_what_nobody_looked_at_is_a_blind_spot_with_what_it_would_add() -> None:
    found = diagnose(view(sources=sources("broker", "events", "process"), history=False), BUILTIN)
    spots = {one.what: one for one in found.blind_spots}
    assert {"kernel log", "control groups", "containers", "history"} <= spots.keys()
    assert all(one.would_add for one in spots.values())


def test_the_readers_own_reason_is_kept() -> None:
    denied = BlindSpot("kernel log", "permission denied", "the cause of a SIGKILL")
    found = diagnose(view(sources=sources("broker", "events"), blind_spots=(denied,)), BUILTIN)
    assert [one.why for one in found.blind_spots if one.what == "kernel log"] == ["permission denied"]


def test_a_lost_list_that_could_not_be_known_is_null_with_its_reason() -> None:
    found = diagnose(dead_worker(kernel_kill(), depth=20, history=False), BUILTIN).to_json()
    assert found["findings"][0]["impact"]["lost"] is None
    assert "lost tasks" in [one["what"] for one in found["blind_spots"]]


def test_a_detector_that_fails_is_a_blind_spot_not_an_end() -> None:
    def judge(_: View) -> NoReturn:
        raise RuntimeError("boom")

    found = diagnose(view(), (Detector("broken-kind", judge), *BUILTIN))
    assert found.verdict == "healthy"
    assert "broken-kind" in [one.what for one in found.blind_spots]
