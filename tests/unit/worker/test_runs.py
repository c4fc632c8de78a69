"""Which task was on a process that died."""

from __future__ import annotations

from celeriac.worker.runs import PATIENCE, Runs

PID = 4121


def runs_with(task: str = "a") -> Runs:
    runs = Runs()
    runs.accepted(PID, task, "lab.noop", 100.0)
    return runs


def lost(runs: Runs) -> str | None:
    run = runs.lost(PID)
    return None if run is None else run.task_id


def test_a_task_that_runs_dies_with_its_process() -> None:
    runs = runs_with()
    assert lost(runs) == "a"
    assert runs.done(PID) == 0


def test_a_task_that_ended_before_is_none_of_the_dead() -> None:
    runs = runs_with()
    assert runs.ended(PID, "a", orphaned=False) is not None
    assert lost(runs) is None
    assert runs.done(PID) == 1


def test_a_task_that_its_process_took_along_is_the_deads_even_when_it_was_declared_over() -> None:
    runs = runs_with()
    runs.ended(PID, "a", orphaned=True)
    assert lost(runs) == "a"
    assert runs.done(PID) == 0


def test_a_time_limit_declares_the_task_over_and_then_kills() -> None:
    runs = runs_with()
    runs.ended(PID, "a", orphaned=False)
    runs.blame(PID, "hard-time-limit")
    assert (lost(runs), runs.blamed(PID), runs.done(PID)) == ("a", "hard-time-limit", 0)


def test_a_process_that_outlives_a_blame_is_not_blamed_for_its_next_death() -> None:
    runs = runs_with()
    runs.blame(PID, "operator")
    runs.ended(PID, "a", orphaned=False)
    runs.accepted(PID, "b", "lab.noop", 101.0)
    assert (lost(runs), runs.blamed(PID)) == ("b", None)


def test_the_parent_may_end_the_task_after_the_process_is_forgotten() -> None:
    runs = runs_with()
    runs.forget(PID, 101.0)
    run = runs.ended(PID, "a", orphaned=True)
    assert run is not None
    assert lost(runs) is None


def test_an_end_that_never_comes_is_not_waited_for_for_ever() -> None:
    runs = runs_with()
    runs.forget(PID, 101.0)
    runs.prune(101.0 + PATIENCE)
    assert lost(runs) == "a"
    runs.prune(102.0 + PATIENCE)
    assert lost(runs) is None


def test_the_end_of_another_task_is_not_this_ones() -> None:
    runs = runs_with()
    assert runs.ended(PID, "b", orphaned=False) is None
    assert lost(runs) == "a"
