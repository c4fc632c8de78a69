"""What of a child's death is told, and what is only counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from celeriac.host.processes import Process
from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Sender
from celeriac.worker.children import Child
from celeriac.worker.coroner import LATE, TOLD_A_MINUTE, TOLD_A_SECOND, Coroner
from celeriac.worker.pool import Member
from celeriac.worker.runs import Runs

NOBODY = 2**22 + 1
"""Above every pid the kernel gives: no child of ours."""


class Notes:
    """A recorder that keeps what it is told."""

    sender = Sender("boot", "worker", "w@lab", 1, "lab")

    def __init__(self) -> None:
        self.told: list[Evidence] = []

    def note_fact(self, evidence: Evidence) -> None:
        self.told.append(evidence)

    def urge(self) -> None:
        """Nobody waits."""


class Scene:
    """A pool whose children end as they are told to."""

    def __init__(self) -> None:
        self.pool = SimpleNamespace(
            stopping=False, up_timeout=4.0, max_tasks=None, max_memory=None, is_ready=self._ready
        )
        self.notes = Notes()
        self.runs = Runs()
        self.coroner = Coroner(cast(Any, self.notes), cast(Any, self.pool), self.runs)

    def end(self, number: int, returncode: int, at: float, *, task: str | None = None) -> None:
        pid = NOBODY + number
        process = SimpleNamespace(pid=pid, _popen=SimpleNamespace(returncode=returncode))
        if task is not None:
            self.runs.accepted(pid, task, "lab.noop", at)
        child = Child(Member(process), Process(pid, "celery", "S", 1, number, 1), at - 10.0)
        self.coroner.died(child, at)
        self.coroner.judge(at)

    def _ready(self, member: Member) -> bool:
        return True


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_death_with_its_task_is_told_at_once(scene: Scene) -> None:
    scene.end(1, -11, 100.0, task="t1")
    (told,) = scene.notes.told
    assert (told.data["cause"], told.data["task_id"], told.data["never_ready"]) == ("segfault", "t1", False)
    assert not scene.coroner.is_busy


def test_the_task_of_a_death_may_become_known_a_moment_later(scene: Scene) -> None:
    scene.end(1, -11, 100.0)
    assert scene.coroner.is_busy
    scene.runs.accepted(NOBODY + 1, "t1", "lab.noop", 100.0)
    scene.coroner.judge(100.0 + LATE / 2)
    assert [one.data["task_id"] for one in scene.notes.told] == ["t1"]


def test_an_idle_childs_death_is_told_after_that_moment(scene: Scene) -> None:
    scene.end(1, -11, 100.0)
    scene.coroner.judge(100.0 + LATE)
    assert [one.data["task_id"] for one in scene.notes.told] == [None]


def test_deaths_that_come_too_fast_are_counted(scene: Scene) -> None:
    for number in range(20):
        scene.end(number, -11, 100.0 + number / 100, task=f"t{number}")
    assert len(scene.notes.told) == TOLD_A_SECOND
    assert scene.coroner.causes["segfault"] == 20
    scene.end(20, -11, 102.0, task="t20")
    assert scene.notes.told[-1].data["untold"] == 20 - TOLD_A_SECOND


def test_children_that_die_on_and_on_are_told_of_once_a_second_and_counted(scene: Scene) -> None:
    for number in range(300):
        scene.end(number, -11, 100.0 + number / 4, task=f"t{number}")
    assert len(scene.notes.told) == 2 * TOLD_A_MINUTE  # in 75 seconds: the second sixty once the first are a minute old
    assert scene.coroner.causes["segfault"] == 300


def test_a_replaced_child_is_told_only_where_its_memory_allows_one_task_at_a_time(scene: Scene) -> None:
    scene.end(1, 155, 100.0)
    scene.coroner.judge(100.0 + LATE)
    assert scene.notes.told == []
    scene.pool.max_memory = 1000
    scene.end(2, 155, 101.0)
    scene.coroner.judge(101.0 + LATE)
    assert [one.data["cause"] for one in scene.notes.told] == ["recycled"]
    scene.pool.max_tasks = 1
    scene.end(3, 155, 103.0)
    scene.coroner.judge(103.0 + LATE)
    assert len(scene.notes.told) == 1
    assert scene.coroner.causes["recycled"] == 3


def test_a_pool_that_stops_takes_its_children_along_in_silence(scene: Scene) -> None:
    scene.pool.stopping = True
    scene.end(1, 1, 100.0)
    assert scene.notes.told == []
    assert scene.coroner.causes["shutdown"] == 1
