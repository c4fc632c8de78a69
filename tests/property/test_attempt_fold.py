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


RUSH = (
    ("sent", 1.00, "gen@web", 0),
    ("received", 1.01, A, 0),
    ("sent", 1.02, "gen@a", 1),  # the pool process publishes before the main process hears that it has started
    ("started", 1.03, A, 0),
    ("received", 1.04, A, 1),
    ("started", 1.05, A, 1),
    ("retried", 1.06, A, 0),
    ("received", 1.07, A, 2),
    ("sent", 1.08, "gen@a", 2),
    ("started", 1.09, A, 2),
    ("retried", 1.10, A, 1),
    ("succeeded", 1.11, A, 2),
)


def test_retries_that_overtake_the_end_of_the_try_before_them_stay_apart() -> None:
    task = fold_all("t", tuple(_of(kind, at, worker, retries=retries) for kind, at, worker, retries in RUSH))

    assert [(one.state, one.delivery) for one in task.attempts] == [
        (AttemptState.RETRIED, "first"),
        (AttemptState.RETRIED, "retry"),
        (AttemptState.SUCCEEDED, "retry"),
    ]
    assert [one.ended_at for one in task.attempts] == [1.06, 1.10, 1.11]
    assert all(one.published_at and one.received_at and one.started_at for one in task.attempts)


def test_without_the_number_of_retries_the_end_of_a_try_goes_to_the_one_that_has_a_next() -> None:
    untold = [
        _of(kind, at, worker, **({"retries": retries} if kind in ("sent", "received") else {}))
        for kind, at, worker, retries in RUSH
    ]
    task = fold_all("t", tuple(untold))

    assert [one.state for one in task.attempts] == [
        AttemptState.RETRIED,
        AttemptState.RETRIED,
        AttemptState.SUCCEEDED,
    ]


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
