"""A child's death is told once, and memory is neither claimed nor cleared without a witness."""

from __future__ import annotations

from typing import Any

import pytest

from celeriac.detectors.child_deaths import child_deaths
from celeriac.detectors.liveness import lives
from celeriac.detectors.traces import trace
from celeriac.model.evidence import Evidence
from celeriac.model.view import View
from lab.views import GROUP, HOST, NODE, NOW, PID, evidence, gone, kernel_kill, process, view, worker


def told(**given: Any) -> Evidence:
    usual: dict[str, Any] = {
        "pid": 30,
        "nodes": (NODE,),
        "parent": PID,
        "signal": 9,
        "cause": "signal",
        "kills_added": 0,
    }
    return evidence("child-gone", "worker", NOW - 3, **(usual | given))


def seen_by_host(**given: Any) -> Evidence:
    usual: dict[str, Any] = {"pid": 99130, "nodes": (NODE,), "parent": PID, "signal": 9, "started": NOW - 500}
    return evidence("child-gone", "process", NOW - 2.8, **(usual | given))


def causes(found: View) -> list[str]:
    return [death.cause for life in lives(found) for death in child_deaths(found, life)]


def test_what_the_recorder_and_the_host_both_saw_is_one_death() -> None:
    assert causes(view(evidence=(process(), told(), seen_by_host()))) == ["signal"]


def test_what_only_the_host_saw_is_a_death_of_its_own() -> None:
    assert causes(view(evidence=(process(), told(), seen_by_host(signal=11)))) == ["signal", "segfault"]


def test_a_kill_beside_a_count_that_could_not_be_read_is_nobodys() -> None:
    assert causes(view(evidence=(process(), told(kills_added=None)))) == ["unknown"]


def test_the_kernels_line_of_that_group_says_that_it_was_memory() -> None:
    line = kernel_kill(99130, at=NOW - 3.1)
    assert causes(view(evidence=(process(), told(kills_added=None, group=GROUP), line))) == ["oom"]
    assert causes(view(evidence=(process(), told(kills_added=None, group="/other"), line))) == ["unknown"]


def test_another_life_of_the_same_node_had_other_children() -> None:
    assert causes(view(evidence=(process(), told(parent=PID + 1)))) == []


@pytest.mark.parametrize(("heard", "ended"), [(NOW - 30, True), (NOW - 1, False)])
def test_a_black_box_ends_the_life_that_left_it_and_not_the_next_of_its_pid(heard: float, ended: bool) -> None:
    box = gone(NOW - 2, between=[NOW - 29, NOW - 2])
    wreck = Evidence(box.id, box.at, "worker", box.what, HOST, box.fact, box.how, PID, (NODE,), data=box.data)
    life = worker(heard=heard)
    assert (trace(view(workers=(life,), evidence=(wreck,)), life).gone is not None) is ended
