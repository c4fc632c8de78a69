"""What a lost delivery means beside others of the same task."""

from __future__ import annotations

from celeriac.model.attempt import AttemptState, attempts
from celeriac.model.ledger import is_doubled
from celeriac.model.mark import Mark

RAN = (
    Mark(5.0, 2, "received", "w0@x", 1),
    Mark(5.1, 3, "started", "w0@x", 1),
    Mark(5.2, 6, "succeeded", "w0@x", 1),
)
AHEAD = Mark(5.05, 2, "received", "w1@x", 2)
LOST = Mark(9.0, 13, "lost")


def test_a_copy_that_never_began_takes_nothing_from_a_task_that_succeeded() -> None:
    found = attempts((*RAN, AHEAD, LOST))
    assert [(one.number, one.state, one.worker) for one in found] == [
        (1, AttemptState.LOST, "w1@x"),
        (2, AttemptState.SUCCEEDED, "w0@x"),
    ]


def test_the_same_for_one_that_failed_unless_it_was_published_anew() -> None:
    failed = (*RAN[:2], Mark(5.2, 7, "failed", "w0@x", 1))
    assert attempts((*failed, AHEAD._replace(at=6.0), LOST))[-1].state is AttemptState.FAILED
    anew = Mark(6.0, 0, "sent", "web", 7)
    assert attempts((*failed, anew, LOST))[-1].state is AttemptState.LOST


def test_a_second_run_that_was_lost_takes_nothing_from_a_task_that_succeeded_and_was_one_too_many() -> None:
    again = (AHEAD._replace(at=6.0), Mark(6.1, 3, "started", "w1@x", 2))
    found = attempts((*RAN, *again, LOST))
    assert found[-1].state is AttemptState.SUCCEEDED and is_doubled(found)
    anew = Mark(5.9, 0, "sent", "web", 7)
    assert attempts((*RAN, anew, *again, LOST))[-1].state is AttemptState.LOST


def test_while_it_is_not_lost_the_copy_is_the_newest_delivery() -> None:
    assert attempts((*RAN, AHEAD))[-1].state is AttemptState.RESERVED


def test_a_task_that_never_succeeded_is_lost() -> None:
    assert attempts((*RAN[:2], AHEAD, LOST))[-1].state is AttemptState.LOST
