"""Kubernetes evidence: a recorded API, the real client. No cluster is behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from celeriac.evidence import Look
from celeriac.evidence.kubernetes import PODS_EVERY, KubernetesSource
from celeriac.model.evidence import Evidence
from lab.kubernetes import KubernetesApi

POD = "worker-7d4b9c6f8-x2x4z"
NOW = 1_795_000_000.0


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesApi]:
    with KubernetesApi(tmp_path) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        yield running


@pytest.fixture
def source() -> Iterator[KubernetesSource]:
    opened = KubernetesSource()
    yield opened
    opened.close()


def only(look: Look, what: str) -> Evidence:
    (found,) = [one for one in look.evidence if one.what == what]
    return found


def test_a_running_worker_is_known_by_its_command_and_its_node_by_the_pod(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    look = source.look(NOW)
    box = only(look, "container")
    assert box.nodes == (f"celery@{POD}",)
    assert (box.host, box.text("status"), box.number("limit")) == ("node-3", "running", 512 << 20)
    assert (box.text("workload"), box.data["worker"], look.blind_spots) == ("deployment/worker", True, ())
    assert only(look, "rollout").text("revision") == "7"
    assert only(look, "machine").data["pressure"] == ()


def test_a_kill_for_memory_is_an_end_with_its_exit_code(api: KubernetesApi, source: KubernetesSource) -> None:
    api.show("oom-killed", finished=NOW - 3)
    look = source.look(NOW)
    end, box = only(look, "container-died"), only(look, "container")
    assert (end.at, end.number("exit_code"), end.data["oom_killed"]) == (NOW - 3, 137, True)
    assert (box.text("status"), box.number("restarts")) == ("exited", 1)
    assert "OOMKilled" in end.fact and "kubectl -n shop describe pod" in end.how


def test_after_a_restart_the_container_runs_and_its_last_end_is_still_known(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    api.show("oom-killed", finished=NOW - 13)
    before = only(source.look(NOW - 10), "container-died")
    api.show("restarted", finished=NOW - 13, again=NOW - 3)
    look = source.look(NOW)
    assert only(look, "container").text("status") == "running"
    assert only(look, "container").data["oom_killed"] is False
    assert only(look, "container-died").id == before.id


def test_exit_code_137_alone_is_no_kill_for_memory(api: KubernetesApi, source: KubernetesSource) -> None:
    api.show("killed", finished=NOW - 3)
    end = only(source.look(NOW), "container-died")
    assert (end.number("exit_code"), end.data["oom_killed"], end.text("evicted")) == (137, False, None)


@pytest.mark.parametrize("case", ["evicted", "evicted-bare"])
def test_an_eviction_says_why(api: KubernetesApi, source: KubernetesSource, case: str) -> None:
    api.show(case, finished=NOW - 3)
    look = source.look(NOW)
    end = only(look, "container-died")
    assert "low on resource: memory" in (end.text("evicted") or "")
    assert end.at == NOW - 3
    assert only(look, "container").text("status") == "exited"


def test_pressure_is_told_of_the_nodes_that_carry_workers(api: KubernetesApi, source: KubernetesSource) -> None:
    api.show("evicted", finished=NOW - 3)
    machine = only(source.look(NOW), "machine")
    assert (machine.host, machine.data["pressure"]) == ("node-3", ("MemoryPressure",))


def test_an_evicted_pod_that_was_removed_at_once_is_told_by_its_event(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    source.look(NOW)
    api.show("evicted-gone", finished=NOW + 18)
    look = source.look(NOW + 20)
    end = only(look, "container-died")
    assert (end.nodes, end.at) == ((f"celery@{POD}",), NOW + 18)
    assert "low on resource" in (end.text("evicted") or "")


def test_a_rollout_is_what_changed_and_its_old_pod_ended_in_order(api: KubernetesApi, source: KubernetesSource) -> None:
    api.show("rollout", finished=NOW - 3)
    look = source.look(NOW)
    end = only(look, "container-died")
    assert (end.number("exit_code"), end.text("evicted")) == (0, None)
    assert {one.text("revision") for one in look.evidence if one.what == "rollout"} == {"7", "8"}
    assert {one.text("status") for one in look.evidence if one.what == "container"} == {"running", "exited"}


def test_a_label_tells_a_worker_and_variables_in_its_name_are_filled_in(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    api.show("entrypoint")
    boxes = {one.text("name"): one for one in source.look(NOW).evidence if one.what == "container"}
    assert boxes[POD].nodes == (f"celery@{POD}",)
    assert boxes["named-0"].nodes == ("mail@named-0",)
    assert boxes["named-0"].text("workload") == "statefulset/named"


def test_what_may_not_be_read_is_a_blind_spot_that_says_how_to_grant_it(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    api.forbidden = {"nodes", "replicasets"}
    look = source.look(NOW)
    assert only(look, "container")
    assert {spot.what for spot in look.blind_spots} == {"rollouts", "cluster nodes"}
    assert all("celeriac export kubernetes-role" in spot.why for spot in look.blind_spots)
    api.forbidden = {"pods"}
    look = source.look(NOW + PODS_EVERY)
    assert (look.evidence, look.blind_spots[0].what) == ((), "pods")


def test_an_api_that_is_away_is_a_blind_spot_and_read_again_once_it_is_back(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    source.look(NOW)
    api.stop()
    began = time.monotonic()
    away = source.look(NOW + PODS_EVERY)
    assert time.monotonic() - began < 2
    assert (away.evidence, [spot.what for spot in away.blind_spots]) == ((), ["pods"])
    api.start()
    back = source.look(NOW + 2 * PODS_EVERY)
    assert only(back, "container") and back.blind_spots == ()


def test_without_a_cluster_that_is_said(source: KubernetesSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    (spot,) = source.look(NOW).blind_spots
    assert "no way to a Kubernetes API" in spot.why


def test_lists_are_paged_and_asked_for_no_more_than_every_two_seconds(
    api: KubernetesApi, source: KubernetesSource
) -> None:
    for at in (NOW, NOW + 0.5, NOW + 1.0, NOW + 1.5):
        source.look(at)
    pods = [asked for asked in api.asked if "/pods" in asked]
    assert len(pods) == 1 and "limit=500" in pods[0]
