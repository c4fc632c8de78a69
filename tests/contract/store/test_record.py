"""Batches: once each, all or nothing, and the watermark they move."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from celeriac.errors import WireError
from celeriac.model.finding import BlindSpot
from celeriac.model.gap import Gap
from celeriac.model.source import SourceMark
from celeriac.model.task import fold_all
from celeriac.store import Batch, Recorded, Store
from lab.lifecycle import event, heartbeat, life

LOST = BlindSpot("kernel log", "permission denied", "the cause of a SIGKILL")
UNSEEN = BlindSpot("docker", "no socket", "exit codes")


def test_an_event_is_recorded_once_however_often_it_comes(store: Store) -> None:
    batch = Batch(now=10.0, events=life("t", 1.0))

    assert store.record(batch) == Recorded(fresh=4, repeated=0, watermark=0.0)
    assert store.record(batch) == Recorded(fresh=0, repeated=4, watermark=0.0)
    assert store.record(Batch(now=11.0, events=(*life("u", 1.0), *life("u", 1.0)))).fresh == 4
    assert [one.kind for one in store.timeline("t")] == ["task-sent", "task-received", "task-started", "task-succeeded"]


def test_a_timeline_gives_events_back_as_they_came_with_cancelled_deliveries(store: Store) -> None:
    told = (*life("t", 1.0), event("task-cancelled", 1.25, task_id="t"))
    store.record(Batch(now=10.0, events=told))

    assert store.timeline("t") == tuple(sorted(told, key=lambda one: one.at))
    assert [one.kind for one in store.timeline("t", limit=2)] == ["task-cancelled", "task-succeeded"]
    assert store.timeline("nobody") == ()


def test_a_batch_with_a_value_no_database_holds_is_refused_whole(store: Store) -> None:
    junk = event("task-received", 2.0, task_id="bad", data={"name": "\ud800"})

    with pytest.raises(WireError, match="does not fit into the store"):
        store.record(Batch(now=3.0, events=(*life("t", 1.0), junk)))
    with pytest.raises(WireError):
        store.record(Batch(now=3.0, events=(heartbeat(1.0, pid=2**70),)))

    assert store.task("t") is None
    assert store.task_counts() == {}
    assert store.record(Batch(now=3.0, events=life("t", 1.0))).fresh == 4


def test_nul_in_a_text_costs_neither_the_batch_nor_the_task(store: Store) -> None:
    odd = event("task-received", 2.0, task_id="u", data={"args": "('a\0b',)", "kwargs": r"{'c': '\u0000'}"})
    told = tuple(replace(one, task_id="o\0dd") for one in life("odd", 1.0))
    store.record(Batch(now=3.0, events=(*life("t", 1.0), odd, *told[:2])))
    store.record(Batch(now=4.0, events=told[2:]))

    task, other = store.task("u"), store.task("o\ufffddd")
    assert task is not None and (task.args, task.kwargs) == ("('a\ufffdb',)", r"{'c': '\u0000'}")
    assert other is not None and other.attempts == fold_all("o\ufffddd", told).attempts
    assert store.task_counts() == {"succeeded": 2, "reserved": 1}
    assert store.task("no\0body") is None
    assert store.record(Batch(now=5.0, events=told)).fresh == 0


def test_a_level_told_twice_in_a_batch_stands_as_it_was_told_last(store: Store) -> None:
    first = Gap("g", "events", "celery@lab", 7, after=0.0, until=1.0, size=1, cause="reconnect", found_at=1.0)
    store.record(Batch(now=2.0, gaps=(first, replace(first, size=2))))

    assert [one.size for one in store.gaps(0.0)] == [2]


def test_the_watermark_is_the_least_live_mark_and_never_goes_back(store: Store) -> None:
    def at(now: float, **marks: float) -> float:
        read = tuple(SourceMark(name, mark) for name, mark in marks.items())
        return store.record(Batch(now=now, marks=read)).watermark

    assert at(100.0, events=99.0, broker=100.0) == 99.0
    assert at(101.0, broker=101.0) == 99.0
    assert at(102.0, events=101.5) == 101.0
    assert at(90.0, events=89.0) == 101.0
    assert at(120.0, broker=120.0) == 120.0, "a source silent for 5 s no longer holds it back"
    assert store.watermark() == 120.0


def test_a_failed_read_keeps_the_mark_and_says_since_when(store: Store) -> None:
    store.record(Batch(now=100.0, marks=(SourceMark("broker", 100.0),)))

    def fail(now: float) -> SourceMark:
        failed = SourceMark("broker", 0.0, error="refused", cause="down", failing_since=now)
        store.record(Batch(now=now, marks=(failed,)))
        return store.sources()[0]

    assert fail(101.0) == SourceMark("broker", 100.0, "refused", "down", 101.0)
    assert fail(102.0).failing_since == 101.0
    store.record(Batch(now=103.0, marks=(SourceMark("broker", 103.0),)))
    assert store.sources() == (SourceMark("broker", 103.0),)


def test_a_source_that_was_never_read_holds_nothing_back(store: Store) -> None:
    failed = SourceMark("broker", 500.0, error="refused")
    store.record(Batch(now=100.0, marks=(failed,)))

    assert store.sources() == (SourceMark("broker", 0.0, "refused", None, 100.0),)
    assert (store.watermark(), store.first_seen()) == (0.0, None)


def test_first_seen_is_when_anything_was_first_heard(store: Store) -> None:
    assert store.first_seen() is None
    store.record(Batch(now=7.0, marks=(SourceMark("events", 7.0),)))
    store.record(Batch(now=9.0, events=life("t", 1.0)))

    assert store.first_seen() == 7.0


def test_blind_spots_are_replaced_by_the_source_that_told_them_alone(store: Store) -> None:
    store.record(Batch(now=1.0, blind_spots={"kernel": (LOST,)}))
    store.record(Batch(now=1.0, blind_spots={"docker": (UNSEEN,)}))
    assert set(store.blind_spots()) == {LOST, UNSEEN}

    store.record(Batch(now=2.0, blind_spots={"kernel": ()}))
    assert store.blind_spots() == (UNSEEN,)


def test_revisions_move_with_what_changed_and_with_nothing_else(store: Store) -> None:
    assert store.revisions() == {"tasks": 0, "workers": 0, "queues": 0, "incidents": 0}
    store.record(Batch(now=1.0, events=(heartbeat(1.0),)))
    store.record(Batch(now=1.0, events=(heartbeat(1.0),)))
    assert store.revisions() == {"tasks": 0, "workers": 1, "queues": 0, "incidents": 0}

    store.record(Batch(now=1.0, events=life("t", 1.0)))
    assert store.revisions()["tasks"] == 1


def test_many_threads_write_and_read_one_store(store: Store) -> None:
    def write(number: int) -> int:
        fresh = store.record(Batch(now=10.0, events=life(f"t{number % 20}", float(number % 20)))).fresh
        assert sum(store.task_counts().values()) >= 1
        return fresh

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(60))) == 20 * 4
    assert store.task_counts() == {"succeeded": 20}
