"""What changed just before a pod ended is beside its death; what has nothing to do with it is not."""

from __future__ import annotations

from typing import Any

from celeriac.detectors.worker_lost import DETECTOR
from celeriac.model.evidence import Evidence
from lab.views import NODE, NOW, dead_worker, evidence


def pod(**given: Any) -> Evidence:
    usual: dict[str, Any] = {
        "host": "node-3",
        "nodes": (NODE,),
        "container": "4f4f4f4f4f4f",
        "namespace": "shop",
        "workload": "deployment/worker",
        "status": "exited",
        "exit_code": 137,
        "oom_killed": False,
        "evicted": "the node was low on memory",
        "finished": NOW - 4,
        "worker": True,
    }
    return evidence("container", "kubernetes", NOW, **(usual | given))


def rollout(ago: float, workload: str = "deployment/worker") -> Evidence:
    given = {"namespace": "shop", "workload": workload, "fact": f"{workload} was rolled out"}
    return evidence("rollout", "kubernetes", NOW - ago, host="cluster", **given)


def machine(host: str, *pressure: str, ready: str = "True") -> Evidence:
    given = {"ready": ready, "pressure": pressure, "fact": f"node {host} as it is"}
    return evidence("machine", "kubernetes", NOW, host=host, **given)


def told(*around: Evidence) -> set[str]:
    (finding,) = (one for one in DETECTOR.judge(dead_worker(pod(), *around)) if one.cause == "evicted")
    return {one.fact for one in finding.evidence}


def test_the_rollout_just_before_and_the_node_that_ran_short_are_told() -> None:
    facts = told(rollout(120), machine("node-3", "MemoryPressure"))
    assert {"deployment/worker was rolled out", "node node-3 as it is"} <= facts


def test_a_node_that_is_not_ready_is_told() -> None:
    assert "node node-3 as it is" in told(machine("node-3", ready="Unknown"))


def test_what_has_nothing_to_do_with_it_is_not_told() -> None:
    away = (rollout(3600), rollout(60, "deployment/web"), machine("node-3"), machine("node-4", "DiskPressure"))
    assert not any("rolled out" in fact or "as it is" in fact for fact in told(*away))
