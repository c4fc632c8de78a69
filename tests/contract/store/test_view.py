"""What detectors are given to judge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from celeriac.model.broker import BrokerLook, Held
from celeriac.model.evidence import Evidence
from celeriac.model.gap import Gap, Tally
from celeriac.model.queue import QueueSample
from celeriac.model.source import SourceMark
from celeriac.model.worker import Claim, Worker
from celeriac.store import Batch, Store, view
from lab.lifecycle import event, heartbeat, life

NOW = 1_000_000.0


def _look(at: float, *samples: QueueSample, held: tuple[Held, ...] | None = None) -> BrokerLook:
    return BrokerLook(at, at, "redis", "7.0", "master", 0.001, queues=samples, held=held)


def _answer(at: float, *, node: str = "celery@lab", queues: tuple[str, ...] | None = ("celery",)) -> Worker:
    return Worker(node, 7, at, heartbeat_seen=0.0, heartbeat_at=0.0, asked_at=at, queues=queues)


def _read(at: float, name: str = "events") -> tuple[SourceMark, ...]:
    return (SourceMark(name, at),)


def test_the_view_is_as_of_the_watermark_and_one_shot_as_of_now(store: Store) -> None:
    store.record(Batch(now=NOW, marks=_read(NOW - 3)))

    watched = store.view(NOW, observed=60.0)
    assert (watched.at, watched.observed, watched.history, watched.server_age) == (NOW - 3, 60.0, True, 3.0)

    once = store.view(NOW + 1, history=False, one_shot=True)
    assert (once.at, once.history, once.server_age) == (NOW + 1, False, None)


def test_tasks_in_view_are_those_on_workers_and_those_their_loss_failed(store: Store) -> None:
    lost = "billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL)"
    store.record(
        Batch(
            now=NOW,
            events=(
                *life("ended", NOW - 9),
                *life("failed", NOW - 9, end="failed"),
                *life("running", NOW - 9)[:3],
                *life("reserved", NOW - 9)[:2],
                *life("waiting", NOW - 9)[:1],
                *life("lost", NOW - 9)[:3],
                event("task-failed", NOW - 8, task_id="lost", data={"exception": lost}),
                *life("lost-before", NOW - 2000)[:3],
                event("task-failed", NOW - 1999, task_id="lost-before", data={"exception": lost}),
            ),
            marks=_read(NOW),
        )
    )

    seen = store.view(NOW)

    assert {task.id for task in seen.tasks} == {"running", "reserved", "lost"}
    assert seen.tasks_complete
    assert store.task("running") in seen.tasks


def test_a_view_that_cannot_hold_every_task_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "TASKS", 3)
    store.record(Batch(now=NOW, events=tuple(one for n in range(4) for one in life(f"t{n}", NOW - n)[:3])))

    seen = store.view(NOW, one_shot=True)

    assert (len(seen.tasks), seen.tasks_complete) == (3, False)


def test_queues_come_with_their_looks_of_the_last_quarter_hour_thinned_with_age(store: Store) -> None:
    for second in range(1000):
        at = NOW - 1000 + second
        store.record(Batch(now=at, look=_look(at, QueueSample("celery", at, ready=second)), marks=_read(at)))

    (queue,) = store.view(NOW).queues
    ages = [NOW - 1 - sample.at for sample in queue.samples]

    assert ages == sorted(ages, reverse=True)
    assert ages[0] <= 900
    assert [age for age in ages if age <= 120] == list(range(120, -1, -1))
    assert len([age for age in ages if age > 120]) == 78
    assert queue.latest.ready == 999


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        ((), ()),
        ((_answer(NOW - 30),), ("celery@lab",)),
        ((_answer(NOW - 90),), ()),
        ((_answer(NOW - 30, queues=None),), None),
        ((_answer(NOW - 30, queues=("other",)),), ()),
        ((_answer(NOW - 30, queues=("other",)), _answer(NOW - 30, node="celery@b", queues=None)), None),
        ((_answer(NOW - 30), _answer(NOW - 30, node="celery@b", queues=None)), ("celery@lab",)),
    ],
)
def test_a_queue_is_consumed_by_living_workers_that_say_so(
    store: Store, workers: tuple[Worker, ...], expected: tuple[str, ...] | None
) -> None:
    look = _look(NOW, QueueSample("celery", NOW, 5))
    store.record(Batch(now=NOW, look=look, workers=workers, marks=_read(NOW)))

    assert store.view(NOW).queues[0].consumers == expected


@pytest.mark.parametrize(("silent", "consumes"), [(5.0, True), (7.0, False)])
def test_a_worker_whose_heartbeats_stopped_consumes_no_more_though_it_answered_before(
    store: Store, silent: float, consumes: bool
) -> None:
    last = NOW - silent
    asked = replace(_answer(last - 1), pid=7)
    look = _look(NOW, QueueSample("celery", NOW, 5))
    store.record(Batch(now=NOW, events=(heartbeat(last),), workers=(asked,), look=look, marks=_read(NOW)))

    assert store.view(NOW).queues[0].consumers == (("celery@lab",) if consumes else ())


def test_a_worker_that_answers_while_its_heartbeats_are_off_consumes(store: Store) -> None:
    look = _look(NOW, QueueSample("celery", NOW, 5))
    beat, answer = heartbeat(NOW - 300), _answer(NOW - 20)
    store.record(Batch(now=NOW, events=(beat,), workers=(answer,), look=look, marks=_read(NOW)))

    assert store.view(NOW).queues[0].consumers == ("celery@lab",)


def test_a_worker_that_said_goodbye_consumes_no_more(store: Store) -> None:
    look = _look(NOW, QueueSample("celery", NOW, 5))
    told = (heartbeat(NOW - 2), event("worker-offline", NOW - 1))
    store.record(Batch(now=NOW, events=told, workers=(_answer(NOW - 3),), look=look, marks=_read(NOW)))

    assert store.view(NOW).queues[0].consumers == ()


def test_the_oldest_message_waits_since_it_was_published_when_that_is_known(store: Store) -> None:
    sent, *_ = life("t", NOW - 50)
    store.record(Batch(now=NOW, events=(sent,), look=_look(NOW, QueueSample("celery", NOW, 1, oldest_id="t"))))

    (queue,) = store.queues(0.0)

    assert queue.latest.oldest_since == NOW - 50


def test_the_oldest_message_else_waits_since_it_was_first_seen_at_either_end(store: Store) -> None:
    ends = [("a", "a"), ("a", "b"), ("a", "c"), ("b", "c"), ("b", "c"), ("d", "c")]
    for second, (oldest, newest) in enumerate(ends):
        at = NOW + second
        sample = QueueSample("celery", at, 3, oldest_id=oldest, newest_id=newest)
        store.record(Batch(now=at, look=_look(at, sample), marks=_read(at)))

    (queue,) = store.queues(0.0)

    assert [sample.oldest_since for sample in queue.samples] == [NOW, NOW, NOW, NOW + 1, NOW + 1, NOW + 5]


def test_a_message_given_back_waits_since_it_was_seen_again_not_since_it_was_published(store: Store) -> None:
    look = _look(NOW, QueueSample("celery", NOW, 1, oldest_id="t"))
    store.record(Batch(now=NOW, events=life("t", NOW - 500)[:3], look=look))

    assert store.queues(0.0)[0].latest.oldest_since == NOW


def test_the_look_is_unknown_while_the_broker_cannot_be_seen(store: Store) -> None:
    held = (Held("tag", "t", "lab.add", "celery", since=NOW, redelivered=True),)
    look = _look(NOW, held=held)
    store.record(Batch(now=NOW, look=look, marks=_read(NOW, "broker")))
    assert store.view(NOW).broker == store.broker() == look
    assert store.held() == held

    store.record(Batch(now=NOW + 1, marks=(SourceMark("broker", 0.0, "refused", "down", NOW + 1),)))
    assert store.view(NOW + 1).broker is None
    assert store.broker() == look

    store.record(Batch(now=NOW + 2, look=_look(NOW + 2), marks=_read(NOW + 2, "broker")))
    assert store.view(NOW + 2).broker == _look(NOW + 2)
    assert store.held() is None


def test_levels_are_replaced_by_their_newest_look_and_edges_stay(store: Store) -> None:
    def fact(name: str, at: float, what: str) -> Evidence:
        return Evidence(name, at, "process", what, "host", f"{what} at {at}", "ps", pid=7, data={"state": "S"})

    level, newer = fact("p7", NOW - 9, "process"), fact("p7", NOW - 1, "process")
    gone, past = fact("g7", NOW - 5, "process-gone"), fact("g6", NOW - 90_000, "process-gone")
    store.record(Batch(now=NOW, evidence=(newer, gone, past), marks=_read(NOW)))
    store.record(Batch(now=NOW, evidence=(level, gone)))

    assert store.view(NOW).evidence == (gone, newer)
    assert store.evidence(0.0) == (past, gone, newer)


def test_gaps_and_books_are_kept_but_starts_are_left_to_the_event_rows(store: Store) -> None:
    gap = Gap("g", "events", "celery@lab", 7, 1.0, 3.0, 4, "reconnect", found_at=NOW - 10)
    tally = Tally("celery@lab", 7, at=5.0, counted=9, beats=((7.0, 11),), starts=(6.0,))
    store.record(Batch(now=NOW, gaps=(gap,), tallies=(tally,), marks=_read(NOW)))

    assert store.view(NOW).gaps == store.gaps(NOW - 10) == (gap,)
    assert store.gaps(NOW - 9) == ()
    assert store.tallies() == (replace(tally, starts=()),)


def test_workers_in_view_were_heard_of_in_the_last_day(store: Store) -> None:
    claims = (Claim("t", "lab.add", "active", started_at=NOW, child_pid=9),)
    answered = replace(_answer(NOW - 5), claims=claims, children=(8, 9), pool="prefork")
    long_gone = heartbeat(NOW - 90_000, worker="celery@gone")
    store.record(Batch(now=NOW, events=(heartbeat(NOW - 3), long_gone), workers=(answered,), marks=_read(NOW)))

    (worker,) = store.view(NOW).workers

    assert store.workers() == (worker,)
    assert (worker.claims, worker.children, worker.heartbeat_seen) == (claims, (8, 9), NOW - 3)


def test_a_producer_is_no_worker(store: Store) -> None:
    store.record(Batch(now=NOW, events=life("t", NOW - 5), marks=_read(NOW)))

    assert [worker.node for worker in store.workers()] == ["celery@lab"]
