"""When one message ran twice, and what only looks like it."""

from __future__ import annotations

from celeriac.model.attempt import Attempt, AttemptState, attempts
from celeriac.model.ledger import doubled, is_doubled
from celeriac.model.mark import Mark

STEPS = {"sent": 0, "received": 2, "started": 3, "retried": 4, "rejected": 5, "succeeded": 6, "failed": 7, "queued": 11}


def tried(*told: tuple[float, str, str, int], detail: str = "") -> tuple[Attempt, ...]:
    """Attempts by marks: (time, what, worker, retries)."""
    return attempts(
        Mark(at, STEPS[what], what, worker, 1 if worker else 0, retries, detail) for at, what, worker, retries in told
    )


FIRST = ((1.0, "sent", "web", 0), (2.0, "received", "a", 0), (3.0, "started", "a", 0))
AGAIN = ((12.0, "received", "b", 0), (13.0, "started", "b", 0))


def test_a_redelivery_that_began_before_the_first_run_ended_ran_twice() -> None:
    found = doubled(tried(*FIRST, *AGAIN, (20.0, "succeeded", "a", 0)))
    assert found is not None and [one.worker for one in found] == ["a", "b"]


def test_a_redelivery_after_success_ran_twice() -> None:
    assert is_doubled(tried(*FIRST, (5.0, "succeeded", "a", 0), *AGAIN))


def test_a_redelivery_after_a_success_of_which_only_the_end_is_known_ran_twice() -> None:
    assert is_doubled(tried(*FIRST[:2], (5.0, "succeeded", "a", 0), *AGAIN))
    assert not is_doubled(tried(*FIRST[:2], (5.0, "succeeded", "a", 0), AGAIN[0]))


def test_an_end_that_may_be_of_the_next_delivery_is_no_run_of_its_own() -> None:
    for at in (12.9, 13.2):
        assert not is_doubled(tried(*FIRST[:2], *AGAIN, (at, "succeeded", "a", 0), (13.3, "succeeded", "b", 0)))
    retried = ((12.0, "received", "b", 1), (13.0, "started", "b", 1))
    assert not is_doubled(tried(*FIRST[:2], *retried, (15.2, "succeeded", "a", 0), (15.3, "succeeded", "b", 1)))


def test_a_start_that_is_told_after_the_end_is_of_the_same_run() -> None:
    late = tried(*FIRST[:2], (2.5, "succeeded", "a", 0), (3.0, "started", "a", 0))
    assert [(one.started_at, one.ended_at) for one in late] == [(2.5, 2.5)]
    assert not is_doubled(late)
    assert is_doubled(tried(*FIRST[:2], (2.5, "succeeded", "a", 0), (3.0, "started", "a", 0), *AGAIN))


def test_a_start_that_is_told_after_a_failure_is_of_the_same_run() -> None:
    late = tried(*FIRST[:2], (2.5, "failed", "a", 0), (3.0, "started", "a", 0))
    assert [(one.state, one.started_at) for one in late] == [(AttemptState.FAILED, 2.5)]


def test_a_result_names_no_pid_and_its_run_may_yet_be_told_to_have_begun() -> None:
    stored = Mark(2.5, STEPS["succeeded"], "succeeded", "a", 0, 0, "")
    began = Mark(3.0, STEPS["started"], "started", "a", 9, 0, "")
    for took in ((), (Mark(2.0, STEPS["received"], "received", "a", 9, 0, ""),)):
        (run,) = attempts((*took, stored, began))
        assert (run.state, run.pid, run.started_at) == (AttemptState.SUCCEEDED, 9, 2.5)


def test_a_run_that_never_ended_is_no_duplicate_unless_somebody_saw_it_run() -> None:
    runs = tried(*FIRST, *AGAIN)
    assert doubled(runs) is None
    assert doubled(runs, lambda one, then: (one.worker, then.worker) == ("a", "b")) == runs


def test_a_redelivery_of_what_never_started_is_no_duplicate() -> None:
    assert not is_doubled(tried(*FIRST[:2], *AGAIN, (20.0, "succeeded", "b", 0)))


def test_a_redelivery_after_a_failure_or_a_requeue_is_no_duplicate() -> None:
    assert not is_doubled(tried(*FIRST, (5.0, "failed", "a", 0), *AGAIN))
    assert not is_doubled(tried(*FIRST, (13.5, "rejected", "a", 0), *AGAIN, detail="requeued"))


def test_clocks_that_differ_a_little_make_no_overlap() -> None:
    assert not is_doubled(tried(*FIRST, (13.5, "failed", "a", 0), *AGAIN))
    assert is_doubled(tried(*FIRST, (15.0, "failed", "a", 0), *AGAIN))


def test_a_retry_is_no_duplicate_though_it_starts_before_the_end_of_the_try_before_it_is_heard() -> None:
    retry = ((4.0, "sent", "a", 1), (4.1, "received", "b", 1), (4.2, "started", "b", 1))
    assert not is_doubled(tried(*FIRST, *retry, (6.0, "retried", "a", 0), (9.0, "succeeded", "b", 1)))


def test_a_run_that_goes_on_beside_its_own_retry_ran_twice() -> None:
    retry = ((4.0, "sent", "a", 1), (4.1, "received", "b", 1), (4.2, "started", "b", 1))
    assert is_doubled(tried(*FIRST, *retry, (9.0, "succeeded", "a", 0)))


def test_the_same_id_published_again_after_its_end_was_meant_to_run_again() -> None:
    assert not is_doubled(tried(*FIRST, (5.0, "succeeded", "a", 0), (11.0, "sent", "web", 0), *AGAIN))
    assert is_doubled(tried(*FIRST, (11.0, "sent", "web", 0), *AGAIN, (20.0, "succeeded", "a", 0)))


def test_two_runs_on_one_worker_end_each_in_its_own_process() -> None:
    marks = (
        Mark(2.0, 2, "received", "a", 1, 0, inside=True),
        Mark(3.0, 3, "started", "a", 1, 0, inside=True, child=10),
        Mark(12.0, 2, "received", "a", 1, 0, inside=True),
        Mark(13.0, 3, "started", "a", 1, 0, inside=True, child=11),
        Mark(20.0, 6, "succeeded", "a", 1, 0, inside=True, child=10),
    )
    first, again = attempts(marks)
    assert (first.child, first.ended_at, again.child, again.ended_at) == (10, 20.0, 11, None)
    assert is_doubled((first, again))
