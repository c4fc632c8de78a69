"""What a lost delivery means beside others of the same task."""

from __future__ import annotations

from celeriac.model.attempt import AttemptState, attempts
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


def test_while_it_is_not_lost_the_copy_is_the_newest_delivery() -> None:
    assert attempts((*RAN, AHEAD))[-1].state is AttemptState.RESERVED


def test_a_task_that_never_succeeded_is_lost() -> None:
    assert attempts((*RAN[:2], AHEAD, LOST))[-1].state is AttemptState.LOST
