"""Which stored results close a task: ends that should have been heard, and of this delivery."""

from __future__ import annotations

import pytest

from celeriac.collector.ends import end_of
from celeriac.model.attempt import AttemptState
from celeriac.model.event import Event
from celeriac.model.outcome import Outcome
from celeriac.model.task import Task, fold, fold_all

AT = 1795000000.0
NODE = "w1@lab"


def told(kind: str, at: float, **data: object) -> Event:
    worker, pid = (None, None) if kind == "task-sent" else (NODE, 7)
    said = {"retries": 0, **data}
    return Event(f"{kind}-{at}", kind, AT + at, AT + at, "record", worker, pid, task_id="t", data=said)


def task(*events: Event) -> Task:
    return fold_all("t", events)


RUNNING = task(told("task-sent", 0), told("task-received", 1), told("task-started", 2))
HELD = task(told("task-sent", 0), told("task-received", 1))
WAITING = task(told("task-sent", 0))
DECLARED = task(told("task-sent", 0), told("task-received", 1), told("task-lost", 3))


def stored(status: str, at: float = 5.0, error: str | None = None) -> Outcome:
    return Outcome("t", status, at=AT + at, error=error)


def end(of: Task, outcome: Outcome, heard_until: float = 60.0) -> Event | None:
    return end_of(of, outcome, AT + heard_until, AT + 61.0)


@pytest.mark.parametrize("before", [RUNNING, HELD, WAITING, DECLARED])
@pytest.mark.parametrize(("status", "state"), [("SUCCESS", "succeeded"), ("FAILURE", "failed")])
def test_a_stored_end_closes_the_task_wherever_it_stood(before: Task, status: str, state: str) -> None:
    event = end(before, stored(status, error="ValueError('no')" if status == "FAILURE" else None))
    assert event is not None
    after = fold(before, event)
    assert (after.state.value, len(after.attempts)) == (state, 1)
    assert end(after, stored(status)) is None


def test_the_event_of_the_end_that_comes_late_changes_nothing() -> None:
    event = end(RUNNING, stored("SUCCESS"))
    assert event is not None
    late = fold(fold(RUNNING, event), told("task-succeeded", 5.1, result="1"))
    assert [one.state for one in late.attempts] == [AttemptState.SUCCEEDED]


def test_an_end_whose_event_may_still_come_is_waited_for() -> None:
    assert end(RUNNING, stored("SUCCESS"), heard_until=6.0) is None


def test_the_result_of_an_earlier_delivery_closes_no_later_one() -> None:
    again = task(
        told("task-sent", 0),
        told("task-received", 1),
        told("task-started", 2),
        told("task-succeeded", 5),
        told("task-received", 20),
        told("task-started", 21),
    )
    assert again.state is AttemptState.STARTED
    assert end(again, stored("SUCCESS", at=5.0)) is None


@pytest.mark.parametrize("status", ["STARTED", "RETRY", "PENDING"])
def test_what_is_no_end_closes_nothing(status: str) -> None:
    assert end(RUNNING, Outcome("t", status)) is None


@pytest.mark.parametrize("before", [RUNNING, HELD, WAITING])
def test_what_an_order_alone_revoked_is_called_off_and_not_over(before: Task) -> None:
    event = end(before, stored("REVOKED", error="TaskRevokedError('revoked')"))
    assert event is not None
    assert event.kind == "task-called-off"
    assert fold(before, event) == before


def test_what_a_worker_dropped_and_what_is_gone_anyway_is_revoked() -> None:
    dropped = end(RUNNING, stored("REVOKED", error="TaskRevokedError('terminated')"))
    expired = end(HELD, stored("REVOKED", error="TaskRevokedError('expired')"))
    gone = end(DECLARED, stored("REVOKED", error="TaskRevokedError('revoked')"))
    assert dropped and expired and gone
    assert fold(RUNNING, dropped).state is AttemptState.REVOKED
    assert fold(HELD, expired).state is AttemptState.EXPIRED
    assert fold(DECLARED, gone).state is AttemptState.REVOKED


def test_secrets_in_an_exception_stay_hidden() -> None:
    event = end(RUNNING, stored("FAILURE", error="ConnectionError('redis://:hunter2@db/0')"))
    assert event is not None
    assert "hunter2" not in str(event.data)
