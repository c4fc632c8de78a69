"""Whether a worker is there: no reply is not death, and stale input says nothing."""

from __future__ import annotations

from dataclasses import replace

from celeriac.api.liveness import judge
from celeriac.model.incident import Incident
from lab.dashboard import NODE, NOW, outage, worker

DIED = NOW - 60
FINDING = outage(DIED)


def with_root(kind: str, cause: str) -> Incident:
    return replace(FINDING, findings=(replace(FINDING.root, kind=kind, cause=cause),))


def test_a_beating_worker_is_alive() -> None:
    assert judge(worker(NOW - 3), (), NOW, stale=False).state == "alive"


def test_a_missing_heartbeat_alone_is_silent_and_not_dead() -> None:
    found = judge(worker(NOW - 9), (), NOW, stale=False)
    assert found.state == "silent"
    assert "whether it is dead is not known" in found.because


def test_a_slow_heartbeat_is_waited_for() -> None:
    slow = replace(worker(NOW - 25), frequency=10.0)
    assert judge(slow, (), NOW, stale=False).state == "alive"


def test_on_stale_input_a_missing_heartbeat_means_nothing() -> None:
    assert judge(worker(NOW - 60), (), NOW, stale=True).state == "unknown"


def test_a_worker_known_without_heartbeats_is_unknown() -> None:
    mute = replace(worker(NOW), heartbeat_seen=0.0, heartbeat_at=0.0, online_at=None)
    assert judge(mute, (), NOW, stale=False).state == "unknown"


def test_a_goodbye_is_a_stop() -> None:
    stopped = replace(worker(NOW - 60), offline_at=NOW - 59)
    assert judge(stopped, (FINDING,), NOW, stale=False).state == "stopped"


def test_a_death_is_what_an_incident_concluded_and_leads_there() -> None:
    found = judge(worker(DIED), (FINDING,), NOW, stale=True)
    assert (found.state, found.incident) == ("dead", FINDING.id)
    assert found.because == f"{NODE}'s main process was killed by the kernel: its memory limit of 96 MB was reached"


def test_a_dead_child_does_not_make_its_worker_dead() -> None:
    assert judge(worker(NOW - 1), (with_root("worker-oom-killed", "child"),), NOW, stale=False).state == "alive"


def test_a_frozen_worker_is_silent_by_its_incident() -> None:
    assert judge(worker(DIED), (with_root("worker-silent", "frozen"),), NOW, stale=False).incident == FINDING.id


def test_a_restarted_worker_is_not_dead_of_its_former_life() -> None:
    assert judge(worker(NOW - 1, pid=9), (FINDING,), NOW, stale=False).state == "alive"


def test_another_workers_death_is_not_this_ones() -> None:
    assert judge(worker(NOW - 1, "celery@web-2"), (FINDING,), NOW, stale=False).state == "alive"
