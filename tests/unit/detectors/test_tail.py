"""What of a killed worker's record never came, as its incidents tell it."""

from __future__ import annotations

from typing import Any

from celeriac.detectors import task_lost, worker_lost
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Finding
from celeriac.model.gap import Gap
from celeriac.model.view import View
from lab.views import NODE, NOW, PID, dead_worker, evidence, gone, task, worker

RUNNING = task("run", (NOW - 20, "received"), (NOW - 19, "started"))


def box(at: float = NOW - 4) -> Evidence:
    return evidence(
        "process-gone",
        "worker",
        at,
        pid=PID,
        nodes=(NODE,),
        boot="b",
        last=264,
        between=[at - 1, at],
        started=NOW - 601,
    )


def gap(size: int) -> Gap:
    return Gap("g", "record", NODE, PID, NOW - 5, NOW - 4, size, "killed", NOW - 3)


def told(*boxes: Evidence, gaps: tuple[Gap, ...] = (), **changes: Any) -> tuple[Finding, Finding]:
    """The two findings about a recorded worker that was killed in the middle of a task."""
    life = worker(heard=NOW - 5, recorded_at=NOW - 5, **changes)
    found: View = dead_worker(gone(), *boxes, workers=(life,), gaps=gaps, tasks=(RUNNING,))
    (death,), (loss,) = worker_lost.judge(found), task_lost.judge(found)
    return death, loss


def says(finding: Finding, words: str) -> bool:
    return any(words in fact.fact for fact in finding.evidence)


def test_without_a_black_box_the_last_moment_may_be_missing_and_a_loss_is_likely() -> None:
    for finding in (findings := told()):
        assert says(finding, "may lack its last 0.1 s")
    assert findings[1].confidence == "likely"


def test_a_box_tells_the_exact_number_that_never_came() -> None:
    for finding in (findings := told(box(), gaps=(gap(7),))):
        assert says(finding, "the last 7 events of its record never left it")
    assert findings[1].confidence == "likely"


def test_a_box_after_whose_last_item_nothing_is_missing_makes_the_loss_certain() -> None:
    for finding in (findings := told(box())):
        assert says(finding, "whole to its last moment")
    assert findings[1].confidence == "certain"


def test_a_worker_that_is_not_recorded_has_no_such_moment() -> None:
    found = dead_worker(gone(), tasks=(RUNNING,))
    (death,) = worker_lost.judge(found)
    assert not any(fact.source == "worker" for fact in death.evidence)
