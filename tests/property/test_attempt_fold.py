"""Which delivery a mark belongs to."""

from __future__ import annotations

from celeriac.model.attempt import AttemptState
from celeriac.model.event import Event
from celeriac.model.task import fold_all
from lab.lifecycle import event, life

A, B = "celery@a", "celery@b"


def _of(kind: str, at: float, worker: str, **data: object) -> Event:
    return event(f"task-{kind}", at, task_id="t", worker=worker, data=data)


def test_a_retry_published_before_its_attempt_says_so_is_the_next_attempt() -> None:
    task = fold_all(
        "t",
        (
            _of("sent", 1.0, "gen@web", retries=0),
            _of("received", 1.1, A, retries=0),
            _of("started", 1.2, A),
            _of("sent", 1.3, A, retries=1),
            _of("retried", 1.4, A, exception="OSError('no')"),
        ),
    )

    assert [(one.state, one.delivery) for one in task.attempts] == [
        (AttemptState.RETRIED, "first"),
        (AttemptState.PUBLISHED, "retry"),
    ]
    assert task.state is AttemptState.PUBLISHED


def test_a_task_that_runs_twice_ends_twice_each_on_its_own_worker() -> None:
    task = fold_all(
        "t",
        (
            _of("received", 1.0, A, retries=0),
            _of("started", 1.1, A),
            _of("received", 61.0, B, retries=0),
            _of("started", 61.1, B),
            _of("succeeded", 62.0, A),
        ),
    )

    assert [(one.worker, one.state, one.delivery) for one in task.attempts] == [
        (A, AttemptState.SUCCEEDED, "first"),
        (B, AttemptState.STARTED, "redelivery"),
    ]


def test_a_publish_stamped_by_a_clock_that_runs_ahead_does_not_reopen_a_finished_task() -> None:
    skewed = [_of("sent", 5.0, "gen@web", retries=0), *life("t", 1.0)[1:]]

    task = fold_all("t", tuple(skewed))

    assert [one.state for one in task.attempts] == [AttemptState.SUCCEEDED]


def test_the_same_id_sent_again_long_after_its_end_is_a_new_attempt() -> None:
    task = fold_all("t", (*life("t", 1.0)[1:], _of("sent", 500.0, "gen@web", retries=0)))

    assert task.state is AttemptState.PUBLISHED
    assert len(task.attempts) == 2


def test_a_late_end_on_a_dead_worker_does_not_touch_the_redelivery() -> None:
    task = fold_all(
        "t",
        (
            _of("received", 1.0, A, retries=0),
            _of("received", 2.0, B, retries=0),
            _of("started", 3.0, A),
            _of("failed", 4.0, A, exception="OSError('no')"),
        ),
    )

    assert [(one.worker, one.state, one.started_at) for one in task.attempts] == [
        (A, AttemptState.FAILED, 3.0),
        (B, AttemptState.RESERVED, None),
    ]
